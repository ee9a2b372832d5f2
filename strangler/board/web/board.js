"use strict";
(() => {
  const state = document.getElementById("state");
  const said = document.getElementById("said");
  // All HTML is the server's own, with every value escaped, and scripts in it would not run.
  const own = { createHTML: (html) => html };
  const policy = window.trustedTypes ? window.trustedTypes.createPolicy("board", own) : own;

  const put = (id, { digest, html }) => {
    const element = document.getElementById(id);
    if (!element || element.dataset.digest === digest) return;
    const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
    element.innerHTML = policy.createHTML(html);
    element.dataset.digest = digest;
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  const source = new EventSource("events");
  source.onmessage = (event) => {
    const { version, moment, sections } = JSON.parse(event.data);
    if (version !== document.documentElement.dataset.version) {
      source.close();
      location.reload();
      return;
    }
    for (const [id, section] of Object.entries(sections)) put(id, section);
    document.getElementById("moment").textContent = moment;
    state.textContent = "live,";
    state.className = "";
  };
  source.onerror = () => {
    const ended = source.readyState === EventSource.CLOSED;
    state.textContent = ended ? "not connected, load the page again; this is of" : "connecting again; this is of";
    state.className = "bad";
  };
  // Else the browser's console calls a page that is left an interrupted one.
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      said.textContent = `Copied ${button.dataset.copy}`;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    } catch {
      // Without TLS, browsers lend the clipboard to this machine's pages alone.
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
      said.textContent = "The command is selected: copy it with the keyboard";
    }
  });
})();
