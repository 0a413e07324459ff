// Whether the server of this page is still there; drawings would wait for it without a word.
setInterval(async () => {
  // One of the page's own files: Voilà answers HEAD for these alone.
  const file = performance.getEntriesByType("resource").find((e) => e.name.includes("/static/"));
  const asked = { method: "HEAD", cache: "no-store" };
  const there = await fetch(file?.name ?? location.href, asked).then(() => true, () => false);
  let alert = document.querySelector(".page-alone");
  if (there) alert?.remove();
  else if (!alert) {
    alert = document.createElement("div");
    alert.className = "page-alone";
    alert.setAttribute("role", "alert");
    alert.textContent = "This page has lost its server: start it again (make app), then reload.";
    document.body.append(alert);
  }
}, 3000);
