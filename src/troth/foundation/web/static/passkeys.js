"use strict";
/* A form marked data-passkey is hidden until we know that this browser can do passkeys. Sent, it first has the
   authenticator answer the challenge in data-options, and then carries the answer along. */
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const can = window.PublicKeyCredential;
  if (!can || !can.parseCreationOptionsFromJSON || !can.parseRequestOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector("[role=alert]");
    said.hidden = true;
    try {
      const options = JSON.parse(form.dataset.options);
      const made = form.dataset.passkey === "new"
        ? await navigator.credentials.create({publicKey: can.parseCreationOptionsFromJSON(options)})
        : await navigator.credentials.get({publicKey: can.parseRequestOptionsFromJSON(options)});
      form.elements.credential.value = JSON.stringify(made);
      form.submit();
    } catch {
      said.hidden = false;
    }
  });
}
