// Opens dialogs, which live updates do not replace; a button's data attributes name the dialog and fill its form.

function open(button) {
  const dialog = document.getElementById(button.dataset.opens);
  const form = dialog.querySelector("form");
  const { action, about, source, message } = button.dataset;
  form.reset();
  if (action) form.action = action;
  dialog.querySelector("[data-about]").textContent = about ?? "";
  if (form.elements.source) form.elements.source.value = source ?? "";
  if (form.elements.message) form.elements.message.value = message ?? "";
  dialog.dataset.openedBy = button.id;
  dialog.showModal();
  check(form.elements.message);
}

/** Shows why the text is not valid JSON, without preventing its submission: the server decides. */
function check(field) {
  if (!field?.dataset.json) return;
  const problem = document.getElementById(field.getAttribute("aria-describedby"));
  try {
    JSON.parse(field.value);
    problem.textContent = "";
  } catch (error) {
    problem.textContent = `${field.dataset.json} ${error.message}`;
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) open(opener);
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
});
document.addEventListener("input", (event) => check(event.target));
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("close", () => document.getElementById(dialog.dataset.openedBy)?.focus());
}
