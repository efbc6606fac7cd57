// What is here only spares reloading: every page works without it.
(function () {
  "use strict";

  var end = document.getElementById("end");
  function toEnd() {
    var log = document.getElementById("log");
    if (end && log && log.lastElementChild) end.scrollIntoView({ block: "end" });
  }

  // An answer is read from its question on.
  function toAnswer() {
    var own = document.querySelectorAll('[data-page="chat"] #log .line.own');
    if (own.length) own[own.length - 1].scrollIntoView({ block: "start" });
    else toEnd();
  }

  // Put what is new into the page, and take out what is gone. What did not change
  // stays: so a reader hears new things only, and nobody loses his place.
  function keep(old, now) {
    var place = old.firstElementChild, added = false;
    Array.from(now.children).forEach(function (child) {
      var same = child.id ? Array.from(old.children).find(function (c) { return c.id === child.id; }) : null;
      if (!same) {
        old.insertBefore(document.importNode(child, true), place);
        added = true;
        return;
      }
      while (place && place !== same) {
        var gone = place;
        place = place.nextElementSibling;
        gone.remove();
      }
      place = same.nextElementSibling;
      if (same.outerHTML !== child.outerHTML) same.replaceWith(document.importNode(child, true));
    });
    while (place) {
      var rest = place;
      place = place.nextElementSibling;
      rest.remove();
    }
    return added;
  }

  function compose(old, now, sent) {
    if (old.dataset.shape !== now.dataset.shape) {
      var focused = old.contains(document.activeElement), text = old.querySelector("#text"), words = text && !sent ? text.value : null;
      old.innerHTML = now.innerHTML;
      old.dataset.shape = now.dataset.shape;
      text = old.querySelector("#text");
      if (text && words !== null) text.value = words;
      if (focused && text) text.focus();
      return;
    }
    if (!sent) return;
    ["client_id", "text"].forEach(function (name) {
      var into = old.querySelector('form[data-send] [name="' + name + '"]'), from = now.querySelector('form[data-send] [name="' + name + '"]');
      if (into && from) into.value = from.value;
    });
  }

  function show(text, sent, card) {
    var next = new DOMParser().parseFromString(text, "text/html"), added = false;
    if (next.body.dataset.page !== document.body.dataset.page) return false;
    document.title = next.title;
    document.body.dataset.version = next.body.dataset.version || "";
    watch(next.body.dataset.watch);
    document.querySelectorAll("[data-live]").forEach(function (old) {
      var now = next.getElementById(old.id);
      if (!now) return;
      if (old.dataset.live === "keep") added = keep(old, now) && old.id === "log" || added;
      else if (old.dataset.live === "compose") compose(old, now, sent);
      else if (old.innerHTML !== now.innerHTML) old.innerHTML = now.innerHTML;
    });
    if (added && sent) toAnswer();
    else if (added) toEnd();
    var settled = card && document.querySelector("#answered #" + CSS.escape(card));
    if (settled) {
      settled.scrollIntoView({ block: "start" });
      settled.focus({ preventScroll: true });
    }
    again();
    return true;
  }

  // Ask for the page as it is now: one question at a time, and none while nobody looks.
  var asking = false, due = false;
  function look() {
    if (asking || document.hidden) { due = true; return; }
    asking = true;
    due = false;
    fetch(location.pathname, { headers: { Accept: "text/html" } }).then(function (answer) {
      return answer.text();
    }).then(function (text) { show(text, false); }).catch(function () {}).then(function () {
      asking = false;
      if (due) look();
    });
  }
  document.addEventListener("visibilitychange", function () { if (!document.hidden && due) look(); });

  // What is shown for a while only.
  var timer;
  function again() {
    clearTimeout(timer);
    var soon = document.querySelector("[data-again]");
    if (soon) timer = setTimeout(look, Math.max(500, Number(soon.dataset.again)));
  }

  // Be told when there is something new.
  var watching = false;
  function watch(where) {
    if (watching || !where || !window.EventSource) return;
    watching = true;
    new EventSource(where).addEventListener("at", function (event) {
      if (event.data !== document.body.dataset.version) look();
    });
  }
  watch(document.body.dataset.watch);

  // Send without leaving the page.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.matches("form[data-send]")) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    var card = (form.closest("article.alert") || {}).id, data = new FormData(form, event.submitter || undefined);
    fetch(form.action, { method: "POST", body: new URLSearchParams(data) }).then(function (answer) {
      return answer.text().then(function (text) {
        if (!show(text, true, card)) {
          document.documentElement.innerHTML = new DOMParser().parseFromString(text, "text/html").documentElement.innerHTML;
        }
      });
    }).catch(function () {
      form.removeAttribute("data-send");
      form.requestSubmit(event.submitter || undefined);
    }).then(function () { delete form.dataset.busy; });
  });

  // Enter sends, with Shift it begins a line. And say that somebody is writing.
  var said = 0;
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("textarea#text")) return;
    event.preventDefault();
    if (event.target.value.trim()) event.target.form.requestSubmit();
  });
  document.addEventListener("input", function (event) {
    var form = event.target.form, now = Date.now();
    if (!form || !form.dataset.typing || now - said < 4000) return;
    said = now;
    fetch(form.dataset.typing, { method: "POST", body: new URLSearchParams({ typing: "1" }) }).catch(function () {});
  });

  again();
  if (!location.hash && document.querySelector("#log .line + .line")) toAnswer();
})();
