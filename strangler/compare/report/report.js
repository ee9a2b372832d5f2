"use strict";
(() => {
  const make = (name, text, className) => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    if (name === "button") element.type = "button";
    return element;
  };
  const said = document.getElementById("said");

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));

  const sort = (table, column, head) => {
    const rows = [...table.tBodies[0].rows];
    // Numbers begin with the most, names with A.
    const [first, second] =
      typeof value(rows[0], column) === "number" ? ["descending", "ascending"] : ["ascending", "descending"];
    const order = head.getAttribute("aria-sort") === first ? second : first;
    const sign = order === "ascending" ? 1 : -1;
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    rows.sort((one, other) => sign * compare(value(one, column), value(other, column)));
    table.tBodies[0].append(...rows);
    said.textContent = `Sorted by ${head.textContent.trim()}, ${order}`;
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    if (!table.tBodies[0].rows.length) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = make("button", "", "sort");
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, column, head));
    });
  }

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const copied = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      select(code);
      return document.execCommand("copy");
    }
  };
  for (const code of document.querySelectorAll(".curl code")) {
    const button = make("button", "Copy", "copy");
    button.addEventListener("click", async () => {
      const done = await copied(code);
      button.textContent = done ? "Copied" : "Selected";
      said.textContent = done ? "The command is copied" : "The command is selected: copy it with the keyboard";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    code.closest(".curl").append(button);
  }

  const groups = [...document.querySelectorAll("details.group")];
  const tools = document.querySelector("#differences .tools");
  if (tools) {
    for (const [text, open] of [["Open all", true], ["Close all", false]]) {
      const button = make("button", text);
      button.addEventListener("click", () => groups.forEach((group) => (group.open = open)));
      tools.append(button);
    }
  }

  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Paper can't be unfolded.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = groups.filter((group) => !group.open);
    closed.forEach((group) => (group.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((group) => (group.open = false)));
})();
