package pages

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// tapPoll is how often the screen that waits for a card asks again.
const tapPoll = 1500 * time.Millisecond

type scanPage struct {
	basePage
	Link  string // entered before
	Wrong string
}

func (v *visit) scan() {
	p, l := scanPage{basePage: v.page()}, v.said()
	p.Trouble = l.trouble
	if key := l.wrong["link"]; key != "" {
		p.Link, p.Wrong = l.entered.Get("link"), v.say(key)
	}
	v.showAt("scan", ui.Screen{Page: "scan", Data: p, Bad: p.Wrong != ""})
}

// scanned takes what a QR code or a pasted link holds: the link that opens a
// request on a phone, or the address of the request itself.
func (v *visit) scanned() {
	typed := v.r.PostFormValue("link")
	if to := loosenURL(typed); to != "" {
		v.goTo(to)
		return
	}
	link := requestLink(typed)
	if link == "" {
		v.tell(left{path: "/scan", wrong: map[string]string{"link": "scan.wrong"}, entered: url.Values{"link": {typed}}})
		return
	}
	v.goTo("/request?request_uri=" + url.QueryEscape(link))
}

// requestLink is the address of a request in what was scanned or pasted; ""
// when there is none. Whether the address is the verifier's is checked by the
// phone.
func requestLink(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	if inner := u.Query().Get("request_uri"); inner != "" {
		return requestLink(inner)
	}
	return u.String()
}

// fetch gets the request and moves on to its own address, so that a reload
// asks nobody again.
func (v *visit) fetch() {
	link := requestLink(v.r.URL.Query().Get("request_uri"))
	if link == "" {
		v.fail(errNoLink, way{v.both("home.scan"), v.base + "/scan"})
		return
	}
	asked, err := v.phone.Fetch(v.r.Context(), link)
	if isCode(err, phone.ErrElsewhere.Code) {
		p := elsewherePage{basePage: v.page(), Link: link}
		p.Origin, _ = problem.From(err).Extra["origin"].(string)
		p.Trouble = ui.TroubleOf(v.w, err)
		v.show(ui.Screen{Page: "elsewhere", Data: p, Quiet: true, Bad: true})
		return
	}
	v.fetched(asked, err, way{})
}

// elsewherePage asks before the phone speaks to somebody whom a link chose.
type elsewherePage struct {
	basePage
	Link, Origin string
}

// fetchElsewhere opens a link that the person was shown and said to expect.
func (v *visit) fetchElsewhere() {
	link := requestLink(v.r.PostFormValue("link"))
	if link == "" {
		v.fail(errNoLink, way{v.both("home.scan"), v.base + "/scan"})
		return
	}
	asked, err := v.phone.FetchElsewhere(v.r.Context(), link)
	next := way{}
	if problem.From(err).Kind == problem.CouldNotCheck {
		next = v.again("/request?request_uri=" + url.QueryEscape(link)) // where it was asked whether to open it
	}
	v.fetched(asked, err, next)
}

func (v *visit) fetched(asked phone.Ask, err error, next way) {
	if isCode(err, phone.ErrNotTapped.Code) {
		next = way{v.both("present.title"), v.base + "/present?anew=1"}
	}
	if err != nil {
		v.fail(err, next)
		return
	}
	v.goTo(requestPath(asked.ID))
}

// requestPath is the page of a request, below the phone's own.
func requestPath(id string) string { return "/request/" + url.PathEscape(id) }

type askPage struct {
	basePage
	Ask   ask
	Form  string // sent back by the form, which is worked on once
	Match string // chosen before an entry that was not taken
	Wrong ui.Wrong
	Lock  *lockPart
}

func (v *visit) askPage(a phone.Ask) askPage {
	p := askPage{basePage: v.page(), Ask: askOf(a)}
	p.Ask.Sign = documentsOf(a.Sign, v.base+requestPath(a.ID))
	if a.Secret == element.PIN && !a.NoLock {
		p.Lock = v.lock(a.ID, string(a.Kind))
	}
	return p
}

// ask shows a request: who asks, where, what for, which data, what is written,
// what happens next, then the key pad. An entry that was not taken is said here,
// with the tries that are left.
func (v *visit) ask() {
	id := v.r.PathValue("ask")
	asked, err := v.phone.Asked(v.r.Context(), id)
	if _, done := v.outcome(id); err != nil && done { // gone back to
		v.goTo(requestPath(id) + "/done")
		return
	}
	if err != nil {
		v.fail(err, way{})
		return
	}
	p, l := v.askPage(asked), v.said()
	p.Form, p.Match, p.Wrong = v.formAbout(asked.Shown), l.entered.Get("match"), v.wrong(l.wrong["first"])
	for _, d := range p.Ask.Sign {
		d.Seen = slices.Contains(l.entered["seen"], d.SHA256)
	}
	for i, d := range p.Ask.Data {
		p.Ask.Data[i].Given = slices.Contains(l.entered["granted"], d.Code)
	}
	if l.trouble != nil {
		t := *l.trouble
		if p.Ask.Tries == 0 && !p.Ask.Password {
			t.Next = ui.Action{Label: v.say("resetpin.title"), URL: v.base + "/reset-pin"}
		}
		p.Trouble = &t
	}
	v.show(ui.Screen{Page: "request", Data: p, Quiet: true, Bad: p.Trouble != nil || p.Wrong.Words != ""})
}

// answer takes the decision. A refusal asks nothing more.
func (v *visit) answer() {
	id := v.r.PathValue("ask")
	asked, err := v.phone.Asked(v.r.Context(), id)
	if _, done := v.outcome(id); err != nil && done { // pressed twice
		v.goTo(requestPath(id) + "/done")
		return
	}
	if err != nil {
		v.fail(err, way{})
		return
	}
	decision := v.r.PostFormValue("decision")
	if decision != "" && v.another(requestPath(id), asked.Shown) {
		v.leaveWord(phone.ErrReplaced, requestPath(id))
		return
	}
	switch decision {
	case "refuse":
		v.reply(id, phone.Reply{Shown: asked.Shown, Reason: ceremony.ReasonUnwanted})
	case "not-me":
		v.reply(id, phone.Reply{Shown: asked.Shown, Reason: ceremony.ReasonNotMe})
	case "approve":
		v.once(requestPath(id), func() { v.approve(asked) })
	default:
		v.goTo(requestPath(id))
	}
}

// approve takes a yes, with the secret that opens the key.
func (v *visit) approve(asked phone.Ask) {
	reply := phone.Reply{Shown: asked.Shown, Approve: true, Granted: v.fields("granted"), Match: v.field("match"), Seen: v.fields("seen")}
	again := left{path: requestPath(asked.ID), entered: v.chosen()}
	if len(asked.Match) > 0 && reply.Match == "" {
		again.trouble = ui.TroubleOf(v.w, phone.ErrPickNumber)
		v.tell(again)
		return
	}
	var err error
	if said := v.r.PostFormValue(lockField); said != "" && asked.Secret == element.PIN {
		if reply.Unlock.Assertion, err = v.assertion(said); err != nil {
			v.notAnswered(asked.ID, phone.Outcome{}, err)
			return
		}
	} else if asked.Secret == element.Password {
		reply.Unlock.Password, err = secret.ParsePassword(v.r.PostFormValue("password"))
		again.wrong = map[string]string{"first": "wrong.password.form"}
	} else {
		reply.Unlock.PIN, err = secret.ParsePIN(v.r.PostFormValue("pin"))
		again.wrong = map[string]string{"first": "wrong.pin.form"}
	}
	if err != nil {
		v.tell(again)
		return
	}
	v.reply(asked.ID, reply)
}

// chosen is what was chosen beside the secret.
func (v *visit) chosen() url.Values {
	return url.Values{"match": v.fields("match"), "granted": v.fields("granted"), "seen": v.fields("seen")}
}

func (v *visit) reply(id string, reply phone.Reply) {
	out, err := v.phone.Answer(v.r.Context(), id, reply)
	if err != nil {
		v.notAnswered(id, out, err)
		return
	}
	v.draft.change(func(d *draft) {
		d.outcomes[id] = outcomeOf(out)
		delete(d.forms, requestPath(id))
	})
	v.goTo(requestPath(id) + "/done")
}

// notAnswered says why an answer did not go through. While the request stands,
// after a wrong PIN or without a network, the same question comes back; once it
// is over, the way on may be the asking party's own page.
func (v *visit) notAnswered(id string, out phone.Outcome, err error) {
	if _, gone := v.phone.Asked(v.r.Context(), id); gone == nil {
		v.log(err)
		v.tell(left{path: requestPath(id), trouble: ui.TroubleOf(v.w, words(err)), entered: v.chosen()})
		return
	}
	next := way{}
	if webAddress(out.Redirect) {
		to := text(out.Party)
		next = way{ui.Text{JA: v.h.site.Say(ui.JA, "answered.go", to.In(ui.JA)), EN: v.h.site.Say(ui.EN, "answered.go", to.In(ui.EN))}, out.Redirect}
	}
	// Something was answered here, so that the certificates were used: what is safe
	// is the data. An answer that has arrived says itself what came of it.
	safe := ui.Text{JA: "相手には何も渡されていません。", EN: "Nothing was handed over."}
	if isCode(err, phone.ErrReturn.Code) {
		safe = ui.Text{}
	}
	if isCode(err, "function-locked", "quiet-hours", "daily-limit") { // the holder's own limit: only the holder can end it
		next = way{v.both("loosen.title"), v.base + "/loosen"}
	}
	if next.url == "" && isCode(err, "certificate-data-changed") {
		next = way{v.both("reissue.title"), v.base + "/reissue/card-password"}
	}
	v.failSafe(err, safe, next)
}

// webAddress reports whether a browser may be sent to s.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

type answeredPage struct {
	basePage
	Outcome outcome
}

// answered says what was done and, on the same device, goes back to the party
// that asked: by a navigation, because a form's redirect may not leave this
// origin (CSP form-action).
func (v *visit) answered() {
	id := v.r.PathValue("ask")
	done, ok := v.outcome(id)
	if !ok {
		v.goTo("/history")
		return
	}
	if !webAddress(done.Redirect) {
		done.Redirect = ""
	}
	if done.Redirect != "" {
		v.w.Header().Set("Refresh", "1; url="+done.Redirect)
	}
	v.show(ui.Screen{Page: "answered", Data: answeredPage{v.page(), done}, Quiet: true})
}

// outcome is what came of a request that was answered here a while ago at most.
func (v *visit) outcome(id string) (outcome, bool) {
	v.draft.mu.Lock()
	defer v.draft.mu.Unlock()
	done, ok := v.draft.outcomes[id]
	return done, ok
}

// backHere is a page of this phone, below its own path: path when it is one, else home.
func (v *visit) backHere(path string) string {
	path = ui.LocalPath(path, v.base+"/")
	if !strings.HasPrefix(path, v.base+"/") || strings.Contains(path, "/.") { // a browser goes up at ".."
		return "/"
	}
	return strings.TrimPrefix(path, v.base)
}
