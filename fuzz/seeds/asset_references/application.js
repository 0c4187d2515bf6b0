import {a} from "./a.js"; import "./side.js"
export * from './b.js'
const c = () => import(`./c.js`), r = /["'`/]/g, d = `x ${`y ${"./no.js"}`} z`
new URL("worker.js", import.meta.url); new Worker("./w.js", {type: "module"})
fetch("/images/logo.png") // "./comment.js"
//# sourceMappingURL=application.js.map
