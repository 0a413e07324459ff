// A place on which a picture is dropped, or clicked to choose one; its bytes go to Python.

function render({ model, el }) {
  const input = document.createElement("input"); // browsers let files be dropped on it
  Object.assign(input, { type: "file", accept: "image/*", ariaLabel: "Choose a photo" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    const content = await file.arrayBuffer();
    model.send({}, undefined, [content]);
    input.value = ""; // so that the same file can be chosen again
  });
  const words = document.createElement("span");
  words.textContent = "Drop a photo here, or click to choose one";
  const enable = () => { input.disabled = model.get("busy"); };
  model.on("change:busy", enable);
  enable();
  el.classList.add("page-drop");
  el.append(words, input);
}

export default { render };
