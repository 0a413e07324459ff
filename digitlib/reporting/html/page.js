// Without this script everything can be read. It opens all code at once and enlarges figures.
const code = document.querySelectorAll("details.input");
const show = document.querySelector(".all-code");
show?.addEventListener("click", () => {
  const open = show.getAttribute("aria-pressed") !== "true";
  show.setAttribute("aria-pressed", open);
  for (const cell of code) cell.open = open;
});
const large = document.querySelector("dialog");
for (const figure of document.querySelectorAll("button.enlarge")) {
  figure.addEventListener("click", () => {
    large.replaceChildren(figure.firstElementChild.cloneNode());
    large.showModal();
  });
}
large.addEventListener("click", () => large.close());
document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
