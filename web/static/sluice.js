// What is here only saves a round trip: every page works without it.
(function () {
  "use strict";

  // Lead to what is wrong with a form.
  var problems = document.getElementById("problems");
  if (problems) problems.focus();

  // Tick or clear everything without asking the server.
  function tickAll(button, on) {
    if (!button) return;
    button.addEventListener("click", function (event) {
      event.preventDefault();
      document.querySelectorAll('input[name="share"]').forEach(function (box) { box.checked = on; });
    });
  }
  tickAll(document.getElementById("all"), true);
  tickAll(document.getElementById("none"), false);

  // The detailed kind includes the plain one: show it.
  var plain = {
    DATA_CLUSTER_ACCOUNT_DETAILED: "DATA_CLUSTER_ACCOUNT_BASIC",
    DATA_CLUSTER_TRANSACTIONS_DETAILED: "DATA_CLUSTER_TRANSACTIONS_BASIC"
  };
  document.addEventListener("change", function (event) {
    var box = event.target;
    if (!box.matches || !box.matches('input[name="share"]')) return;
    var set = box.closest("fieldset");
    if (!set) return;
    var kind = box.dataset.kind;
    if (box.checked && plain[kind]) {
      var basic = set.querySelector('input[data-kind="' + plain[kind] + '"]');
      if (basic) basic.checked = true;
    }
    Object.keys(plain).forEach(function (detailed) {
      if (plain[detailed] !== kind || box.checked) return;
      var more = set.querySelector('input[data-kind="' + detailed + '"]');
      if (more) more.checked = false;
    });
  });

  // A form is sent once.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  var print = document.getElementById("print");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", function () { window.print(); });
  }
})();
