// Every page works without this; with it, a page is kept up to date.
(function () {
  "use strict";
  var live = document.body.dataset.live;
  var transcript = document.getElementById("transcript"), log = document.getElementById("log");
  function toTheEnd() { if (log) log.scrollTop = log.scrollHeight; }
  toTheEnd();

  function post(path) { return fetch(path, {method: "POST", credentials: "same-origin"}); }

  // That an agent writes is told while it is so, and not with every key.
  var told = 0;
  document.addEventListener("input", function (event) {
    var path = event.target.dataset && event.target.dataset.writing;
    if (!path || !event.target.value || Date.now() - told < 4000) return;
    told = Date.now();
    post(path).catch(function () {});
  });

  // Enter sends, Shift+Enter begins a line.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.dataset.writing) return;
    event.preventDefault();
    if (event.target.value.trim()) event.target.form.requestSubmit();
  });

  // A form is sent once.
  document.addEventListener("submit", function (event) {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  if (!live || !window.EventSource) return;

  // What was seen is read.
  function read() {
    var signs = document.getElementById("signs");
    if (!signs || !("unread" in signs.dataset) || document.visibilityState !== "visible") return;
    delete signs.dataset.unread;
    post(live + "/read").catch(function () {});
  }

  function renew(fresh) {
    document.querySelectorAll("[data-refresh]").forEach(function (old) {
      var now = fresh.getElementById(old.id);
      if (!now || now.outerHTML === old.outerHTML) return;
      var at = old.contains(document.activeElement) ? document.activeElement.id : "";
      old.replaceWith(document.adoptNode(now));
      if (at && document.getElementById(at)) document.getElementById(at).focus();
    });
    var more = fresh.getElementById("transcript");
    if (transcript && more) {
      var added = false;
      Array.prototype.slice.call(more.children).forEach(function (item) {
        if (document.getElementById(item.id)) return;
        transcript.appendChild(document.adoptNode(item));
        added = true;
      });
      if (added) toTheEnd();
    }
    // What may be written changes seldom; what was typed stays.
    var reply = document.getElementById("reply"), next = fresh.getElementById("reply");
    if (reply && next && reply.dataset.state !== next.dataset.state) {
      var typed = document.getElementById("text");
      var words = typed ? typed.value : "", focused = document.activeElement === typed;
      reply.replaceWith(document.adoptNode(next));
      var box = document.getElementById("text");
      if (box && words) box.value = words;
      if (box && focused) box.focus();
      if (!box && words) {
        var kept = document.createElement("p");
        kept.className = "text";
        kept.textContent = "Not sent: " + words;
        next.appendChild(kept);
      }
    }
    read();
  }

  var busy = false, again = false;
  function look() {
    if (busy) { again = true; return; }
    busy = true;
    fetch(live, {credentials: "same-origin"}).then(function (answer) {
      if (answer.redirected || answer.status === 404) { location.assign("/"); return ""; }
      return answer.ok ? answer.text() : "";
    }).then(function (html) {
      if (html) renew(new DOMParser().parseFromString(html, "text/html"));
    }).catch(function () {}).finally(function () {
      busy = false;
      if (again) { again = false; look(); }
    });
  }

  read();
  document.addEventListener("visibilitychange", function () { read(); if (document.visibilityState === "visible") look(); });
  new EventSource("/changes").onmessage = look;
  // How long somebody waits, and whether they still write, changes by itself.
  setInterval(function () { if (document.visibilityState === "visible") look(); }, 10000);
})();
