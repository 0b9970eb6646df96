"use strict";
const at = (id) => document.getElementById(id);
const moment = (time) => (time === null ? "–" : time.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, "") + " UTC");

/* Who is logged in, and how a page speaks to the API. A page calls `open` with what it looks at and how often. */
const session = (() => {
  let token = null;  // in memory only: closing the page forgets it
  let permissions = [];
  let timer = null;
  let round = 0;
  let blind = false;  // the trouble on the page is that of looking, and goes with it
  let page = {look: async () => () => {}, every: 3000, leave: () => {}};

  async function ask(method, path, body, more) {
    const headers = {Accept: "application/json", ...more};
    if (token) headers.Authorization = "Bearer " + token;
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch("../" + path, {method, headers, body: body && JSON.stringify(body), cache: "no-store"});
    } catch {
      throw new Error("the API does not answer: what was asked may or may not be done");
    }
    const answer = await response.json().catch(() => null);
    if (response.status === 401 && path !== "login") leave();
    if (!response.ok || !answer || !answer.data) {
      throw new Error((answer && answer.error && answer.error.message) || "the API answers " + response.status);
    }
    return answer.data;
  }

  /* Ask for what is the case, show it, and come again. An answer that a later round has overtaken is not shown. */
  async function look() {
    clearTimeout(timer);
    const mine = ++round;
    let trouble = null;
    try {
      const show = await page.look();
      if (mine === round && token) show();
    } catch (error) {
      trouble = error.message;
    }
    if (mine !== round) return;
    if (trouble !== null || blind) at("trouble").textContent = trouble || "";
    blind = trouble !== null;
    if (token) timer = setTimeout(look, page.every);
  }

  function leave() {
    token = null;
    permissions = [];
    clearTimeout(timer);
    at("desk").hidden = true;
    at("login").hidden = false;
    page.leave();
  }

  function on(id, kind, act) {
    at(id).addEventListener(kind, (event) => {
      event.preventDefault();
      attempt(() => act(event.target));
    });
  }

  async function attempt(act) {
    blind = false;
    at("trouble").textContent = "";
    try {
      await act();
    } catch (error) {
      at("trouble").textContent = error.message;
    }
  }

  function open(given) {
    page = given;
    on("login", "submit", async (form) => {
      const begun = await ask("POST", "login", {username: form.elements.username.value, password: form.elements.password.value});
      form.reset();
      token = begun.token;
      permissions = begun.permissions;
      at("user").textContent = begun.username + " (" + begun.role + ")";
      at("login").hidden = true;
      at("desk").hidden = false;
      await look();
    });
    on("logout", "click", leave);
  }

  return {ask, look, on, attempt, open, may: (permission) => permissions.includes(permission), here: () => token !== null};
})();
