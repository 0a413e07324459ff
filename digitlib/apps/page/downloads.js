// A button for each file; Python makes the file when its button is pressed, and it is saved here.

function render({ model, el }) {
  for (const name of model.get("names")) {
    const button = document.createElement("button");
    Object.assign(button, { textContent: name, className: "jupyter-widgets jupyter-button" });
    button.addEventListener("click", () => model.send({ name }));
    el.append(button);
  }
  const said = document.createElement("p");
  Object.assign(said, { className: "page-error", role: "alert" });
  el.append(said);
  const save = ({ file, fault }, [content]) => {
    said.textContent = fault ?? "";
    if (fault) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content]));
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  model.on("msg:custom", save);
  el.classList.add("page-downloads");
  return () => model.off("msg:custom", save);
}

export default { render };
