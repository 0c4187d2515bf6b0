import { countCharacters } from "./character_count.js";
import { showAge } from "./age.js";

// The page works without any of this.
countCharacters(document.querySelector("textarea"));
document.querySelectorAll("time").forEach((element) => showAge(element));
