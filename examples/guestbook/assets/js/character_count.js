// Says below a text area how many characters are left.
export function countCharacters(area) {
  const note = document.createElement("output");
  note.htmlFor = area.id;
  area.after(note);

  const update = () => {
    const left = area.maxLength - area.value.length;
    note.textContent = left < 200 ? `${left} characters left` : "";
  };

  area.addEventListener("input", update);
  update();
}
