// Prepares filter forms: times are entered in the viewer's zone and sent in UTC, and empty fields are not sent.

const MINUTE_MS = 60000;

function toLocal(utc) {
  const at = new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(utc) ? utc : `${utc}Z`);
  return Number.isNaN(at.valueOf()) ? "" : new Date(at - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}

for (const field of document.querySelectorAll("input[data-utc]")) {
  if (field.dataset.utc) field.value = toLocal(field.dataset.utc);
}

for (const form of document.querySelectorAll("form[method=get]")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) {
      const isTime = form.elements[name]?.type === "datetime-local";
      if (!value) formData.delete(name);
      else if (isTime) formData.set(name, new Date(value).toISOString());
    }
  });
}
