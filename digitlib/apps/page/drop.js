// A place on which files are dropped, or clicked to choose them; their bytes go to Python.

function render({ model, el }) {
  const [accept, ariaLabel, multiple] = ["accept", "label", "multiple"].map((name) => model.get(name));
  const input = document.createElement("input"); // browsers let files be dropped on it
  Object.assign(input, { type: "file", accept, ariaLabel, multiple });
  const words = document.createElement("span");
  words.textContent = model.get("words");
  const fault = document.createElement("div");
  Object.assign(fault, { className: "page-error", role: "alert" });
  input.addEventListener("change", async () => {
    const files = [...input.files].slice(0, multiple ? undefined : 1);
    fault.textContent = "";
    for (const file of files) {
      try {
        model.send({ name: file.name }, undefined, [await file.arrayBuffer()]);
      } catch {
        fault.textContent += `“${file.name}” cannot be read here; zip it if it is a folder. `;
      }
    }
    input.value = ""; // so that the same file can be chosen again
  });
  const enable = () => { input.disabled = model.get("busy"); };
  model.on("change:busy", enable);
  enable();
  el.classList.add("page-drop");
  el.append(words, input, fault);
}

export default { render };
