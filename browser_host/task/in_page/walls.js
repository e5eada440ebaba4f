// What stands in a program's way and waits for a person: captchas, told by how widely used ones show themselves, and
// forms to log in with. The lists are data: another captcha is another word in them.

const CAPTCHA_FRAMES = /captcha|challenges\.cloudflare\.com|security challenge|arkoselabs|geetest/i;
const CAPTCHA_BOXES = ".g-recaptcha,.h-captcha,.cf-turnstile,#px-captcha,[class*=geetest_],[class*=captcha][data-sitekey],[id*=captcha][data-sitekey]";
const CAPTCHA_ANSWERS = "[name=g-recaptcha-response],[name=h-captcha-response],[name=cf-turnstile-response],[name*=captcha][name*=response],[name*=captcha][name*=token]";
const CAPTCHA_FIELD = /captcha|characters (you see|shown|in the)|(text|letters|code|word) (in|from) the (image|picture)|not a robot|are you (a )?human/i;
const CAPTCHA_BADGE = ".grecaptcha-badge"; // says that one is there; asks for nothing
const FEW = 4; // things to act on, beside the captcha, of a page that is nothing but it
const LITTLE_TEXT = 1000;

function captcha(failed) {
  const shown = [...deepQuery("iframe"), ...deepQuery(CAPTCHA_BOXES)].filter((el) => {
    const words = el.tagName === "IFRAME" ? `${el.title} ${el.src} ${el.name}` : "captcha";
    return CAPTCHA_FRAMES.test(words) && !el.closest(CAPTCHA_BADGE) && visible(el);
  });
  const fields = deepQuery("input").filter((el) => /^(text|search|tel|number|)$/.test(el.type) && visible(el) && !el.value
    && CAPTCHA_FIELD.test([nameOf(el), el.name, el.id, el.placeholder].join(" "))
    && (el.form || el.parentElement.parentElement || el.parentElement).querySelector("img,canvas,svg,audio"));
  const all = [...shown, ...fields];
  if (!all.length || (!fields.length && deepQuery(CAPTCHA_ANSWERS).some((el) => el.value))) return "";
  const words = describeElement(all[0]);
  if (failed) return words;
  const challenge = shown.some((el) => {
    const box = el.getBoundingClientRect();
    return box.width >= 250 && box.height >= 300 && box.top < innerHeight && box.bottom > 0;
  });
  const others = allElements().filter((el) => INTERACTIVE.has(roleOf(el)) && !all.some((one) => contains(one, el)) && reachable(el));
  return challenge || (others.length < FEW && pageText().length < LITTLE_TEXT) ? words : "";
}

// A form that asks who one is: with one password, or with a name alone on a page that says so.
function loginForm() {
  const passwords = deepQuery("input[type=password]").filter((el) => visible(el) && !/new-password/.test(el.autocomplete || ""));
  if (passwords.length) return passwords.length === 1;
  const says = /\b(log|sign)[ -]?(in|on)\b/i.test(`${document.title} ${deepQuery("h1,h2").map((el) => el.innerText).join(" ")}`);
  return says && deepQuery("input").some((el) => visible(el) && editable(el) && /user|e-?mail|login|account/i.test([nameOf(el), el.name, el.id].join(" ")));
}

const walls = ({ failed }) => ({ captcha: captcha(failed), login: loginForm() });
