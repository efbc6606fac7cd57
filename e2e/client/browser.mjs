// A customer's browser: cookies, links and plain forms, and no scripts.
import { parse } from 'node-html-parser'

export class Browser {
  #cookies = new Map() // by host, then name
  url = null
  status = 0
  page = parse('')

  /** @param away address that is only gone to, not opened: a partner's */
  constructor(away) { this.away = away }

  /** Opens an address, and follows where it leads. True if that is away. */
  async open(address, form) {
    let to = new URL(address, this.url ?? undefined)
    for (let i = 0; i < 20; i++) {
      if (to.href.startsWith(this.away)) {
        this.url = to
        return true
      }
      const next = await this.#load(to, form)
      if (!next) return false
      to = new URL(next, to)
      form = undefined
    }
    throw new Error(`${address} leads nowhere`)
  }

  async #load(to, form) {
    const answer = await fetch(to, {
      method: form ? 'POST' : 'GET', body: form, redirect: 'manual',
      headers: { cookie: this.sent(to), ...(form && { origin: to.origin, 'sec-fetch-site': 'same-origin' }) },
    })
    for (const line of answer.headers.getSetCookie()) this.#keep(to, line)
    if (answer.status >= 300 && answer.status < 400) return answer.headers.get('location')
    this.url = to
    this.status = answer.status
    this.page = parse(await answer.text())
    return answer.headers.get('refresh')?.match(/^0; url=(.*)$/)?.[1]
  }

  #keep(at, line) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim())
    const name = pair.slice(0, pair.indexOf('='))
    const has = (word) => attributes.some((a) => a.toLowerCase() === word)
    if (name.startsWith('__Host-') && (!has('secure') || !has('path=/') || attributes.some((a) => /^domain=/i.test(a)))) {
      throw new Error(`no browser keeps ${line}`)
    }
    const jar = this.#cookies.get(at.hostname) ?? new Map()
    this.#cookies.set(at.hostname, jar)
    if (attributes.some((a) => /^max-age=(0|-)/i.test(a))) jar.delete(name)
    else jar.set(name, pair)
  }

  /** The cookies that go to an address. */
  sent(to) { return [...(this.#cookies.get(to.hostname)?.values() ?? [])].join('; ') }

  /** Takes the cookies of another: a second tab of it. */
  copy(other) {
    for (const [host, jar] of other.#cookies) this.#cookies.set(host, new Map(jar))
    this.url = other.url
  }

  /** Follows a link of the page. */
  async click(selector) { return this.open(this.#find(selector).getAttribute('href')) }

  /** Fills in the form that a button belongs to, and sends it by that button. */
  async press(selector, fields = {}) {
    const { address, values } = this.form(selector, fields)
    return this.open(address, values)
  }

  /** What would be sent: fields have the page's values, or these. */
  form(selector, fields = {}) {
    const button = this.#find(selector)
    const form = button.closest('form')
    const values = new URLSearchParams()
    for (const input of form.querySelectorAll('input')) {
      const { name, type, value = 'on' } = input.attributes
      if (!name || name in fields || (type === 'checkbox' && !('checked' in input.attributes))) continue
      values.append(name, value)
    }
    for (const [name, some] of Object.entries(fields)) [some].flat().forEach((value) => values.append(name, value))
    if (button.getAttribute('name')) values.append(button.getAttribute('name'), button.getAttribute('value') ?? '')
    return { address: new URL(form.getAttribute('action'), this.url), values }
  }

  /** Whether the page has something. */
  shows(selector) { return this.page.querySelector(selector) !== null }

  #find(selector) {
    const found = this.page.querySelector(selector)
    if (!found) throw new Error(`${this.url} (${this.status}) has no ${selector}: ${this.page.text.replace(/\s+/g, ' ').slice(0, 300)}`)
    return found
  }
}
