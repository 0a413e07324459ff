// Whether this page's server and kernel are still there; drawings would wait for them without a word.
setInterval(async () => {
  const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const asked = fetch(`${baseUrl}api/kernels/${kernelId}`, { cache: "no-store" });
  const fault = await asked.then(
    ({ status }) => (status === 404 ? "Nobody was connected to this page for some minutes, so it has ended: load it again." : ""),
    () => "This page has lost its server: start it again (make app), then reload.",
  );
  let alert = document.querySelector(".page-alone");
  if (!fault) alert?.remove();
  else {
    if (!alert) {
      alert = document.createElement("div");
      alert.className = "page-alone";
      alert.setAttribute("role", "alert");
      document.body.append(alert);
    }
    if (alert.textContent !== fault) alert.textContent = fault;
  }
}, 3000);

// A file that is dropped anywhere goes to the open tab; the browser would leave the page for it.
function chooserOfOpenTab() {
  const inputs = [...document.querySelectorAll(".page input[type=file]:enabled")];
  return inputs.find((input) => input.closest(".widget-tab-contents > *")?.offsetParent);
}

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  if (!chooserOfOpenTab()) event.dataTransfer.dropEffect = "none";
});

document.addEventListener("drop", (event) => {
  const chooser = chooserOfOpenTab();
  if (!event.defaultPrevented && chooser && event.dataTransfer.files.length) {
    chooser.files = event.dataTransfer.files;
    chooser.dispatchEvent(new Event("change"));
  }
  event.preventDefault();
});
