package pay

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/csv"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// yen reads an amount; 0 when it is none.
func yen(text string) int64 {
	n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(text), ",", ""), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// entered is what a form held in some of its fields, cut where it is too long to be meant.
func entered(r *http.Request, fields ...string) url.Values {
	kept := url.Values{}
	for _, f := range fields {
		if s := r.PostFormValue(f); len(s) <= 40 {
			kept.Set(f, s)
		}
	}
	return kept
}

// upTo are the amounts to choose among that a limit allows.
func upTo(limit int64, amounts ...int64) []int64 {
	return slices.DeleteFunc(amounts, func(n int64) bool { return n > limit })
}

// accounts is the one page with all mandates.
func (h *Handler) accounts(v visit) {
	var err error
	if v.page.All, err = h.opt.Pay.Mandates(v.r.Context(), v.s.Sub); err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	h.show(v.w, v.r, "accounts", v.page, 5*time.Second)
}

func (h *Handler) asking(v visit) {
	v.page.Trouble = h.site.Said(v.r).Trouble
	v.page.Amounts, v.page.Days = upTo(v.page.Limits.Charge, 5_000, 10_000, 20_000, 50_000), upTo(v.page.Limits.ChargeDay, 5_000, 10_000, 50_000, 100_000)
	h.show(v.w, v.r, "link", v.page, 0)
}

// link begins a link: the holder's attributes have to be fresh, so it begins with a login.
func (h *Handler) link(v visit) {
	once, day := yen(v.r.PostFormValue("once")), yen(v.r.PostFormValue("day"))
	if once == 0 || day < once {
		h.site.GoTo(v.w, v.r, ui.Later{Path: "/link", Trouble: ui.TroubleOf(v.w, ErrAmount)}, "")
		return
	}
	h.again(v, then{What: "link", Once: once, Day: day})
}

// fromBank is where the bank sends the browser back to. What it brings counts only in the
// session that began the link.
func (h *Handler) fromBank(w http.ResponseWriter, r *http.Request, token string, s session) {
	q, l := r.URL.Query(), s.Keeps.Link
	if l.ID == "" || q.Get("mandate") != l.ID || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(l.State)) != 1 {
		h.fail(w, r, ErrReturn)
		return
	}
	h.sessions.Change(token, func(v *session) { v.To = "" })
	m, err := h.opt.Pay.Return(context.WithoutCancel(r.Context()), s.Sub, l.ID, q.Get("code"), q.Get("error"))
	if err != nil && !errors.Is(err, ErrLinkRefused) {
		// Nothing is linked, and nothing refused: the same address asks again.
		h.pages.ShowTroubleTo(w, r, troubleOf(w, err), ui.Action{Label: h.site.Say(ui.LangOf(r), "trouble.again"), URL: r.URL.RequestURI()})
		return
	}
	http.Redirect(w, r, "/accounts/"+m.ID, http.StatusSeeOther)
}

// account is one mandate: what it allows, or why there is none.
func (h *Handler) account(v visit) {
	m, err := h.opt.Pay.Mandate(v.r.Context(), *v.page.W, v.r.PathValue("id"))
	if err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	v.page.M = &m
	h.show(v.w, v.r, "account", v.page, 5*time.Second)
}

func (h *Handler) end(v visit) {
	id := v.r.PathValue("id")
	if err := h.opt.Pay.End(context.WithoutCancel(v.r.Context()), v.s.Sub, id); err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	http.Redirect(v.w, v.r, "/accounts/"+id, http.StatusSeeOther)
}

// charging is the form of a charge. Its id is drawn once, and stays until a charge came of
// it: a double click and a reload of the answer are the same charge.
func (h *Handler) charging(v visit) {
	var err error
	if v.page.All, err = h.opt.Pay.Mandates(v.r.Context(), v.s.Sub); err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	if v.page.Once = v.s.Keeps.Once; v.page.Once == "" {
		v.page.Once = rand.Text()
		h.sessions.Change(v.token, func(s *session) { s.Keeps.Once = v.page.Once })
	}
	said := h.site.Said(v.r)
	v.page.Trouble, v.page.From, v.page.Other = said.Trouble, said.Entered.Get("mandate"), said.Entered.Get("other")
	v.page.Chosen = cmp.Or(yen(said.Entered.Get("amount")), 3_000)
	v.page.Amounts = upTo(v.page.Limits.Charge, 1_000, 3_000, 5_000, 10_000)
	h.show(v.w, v.r, "charge", v.page, 0)
}

func (h *Handler) charge(v visit) {
	id, mandate, amount := v.r.PostFormValue("id"), v.r.PostFormValue("mandate"), yen(v.r.PostFormValue("amount"))
	if other := yen(v.r.PostFormValue("other")); other > 0 {
		amount = other
	}
	if len(id) != 26 { // rand.Text's; drawn by charging
		h.fail(v.w, v.r, ErrMoved)
		return
	}
	c, err := h.opt.Pay.Charge(context.WithoutCancel(v.r.Context()), v.s.Sub, id, mandate, amount)
	if c.ID == "" && err != nil { // no charge came of it: another try is not the same
		h.site.GoTo(v.w, v.r, ui.Later{Path: "/charge", Trouble: troubleOf(v.w, err), Entered: entered(v.r, "mandate", "amount", "other")}, "")
		return
	}
	h.sessions.Change(v.token, func(s *session) {
		if s.Keeps.Once == id {
			s.Keeps.Once = ""
		}
	})
	http.Redirect(v.w, v.r, "/charges/"+id, http.StatusSeeOther)
}

// charged is what became of a charge. While that is open the page asks again by itself.
func (h *Handler) charged(v visit) {
	c, err := h.opt.Pay.ChargeOf(v.r.Context(), *v.page.W, v.r.PathValue("id"))
	if err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	v.page.C = &c
	poll := time.Duration(0)
	switch c.State {
	case ChargeAsked:
		poll = 3 * time.Second
	case ChargeRefused:
		v.page.Trouble = ui.TroubleOf(v.w, &BankRefusal{c.Why})
	}
	h.show(v.w, v.r, "charged", v.page, poll)
}

// askAgain asks the bank now about a charge whose answer is open.
func (h *Handler) askAgain(v visit) {
	id := v.r.PathValue("id")
	_, err := h.opt.Pay.AskAgain(context.WithoutCancel(v.r.Context()), v.s.Sub, id)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrLedger) {
		h.fail(v.w, v.r, err)
		return
	}
	http.Redirect(v.w, v.r, "/charges/"+id, http.StatusSeeOther)
}

// history is everything that happened, refused attempts too, and the ledger.
func (h *Handler) history(v visit) {
	var err error
	if v.page.Notices, err = h.opt.Pay.Notices(v.r.Context(), *v.page.W, 100); err == nil {
		v.page.Entries, err = h.opt.Pay.Entries(v.r.Context(), *v.page.W)
	}
	if err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	slices.Reverse(v.page.Entries)
	h.show(v.w, v.r, "history", v.page, 0)
}

// export gives the ledger as CSV (RFC 4180), for a spreadsheet.
func (h *Handler) export(v visit) {
	entries, err := h.opt.Pay.Entries(v.r.Context(), *v.page.W)
	if err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	v.w.Header().Set("Content-Disposition", `attachment; filename="tegata-pay.csv"`)
	v.w.Write([]byte("\xef\xbb\xbf")) // spreadsheets take UTF-8 for something else without it
	c := csv.NewWriter(v.w)
	c.UseCRLF = true
	c.Write([]string{"番号 No.", "日時 Time (JST)", "種類 Kind", "相手 With", "金額 Amount (JPY)", "残高 Balance (JPY)", "控え Reference"})
	for _, e := range entries {
		kind := map[string]string{EntryCharge: "チャージ charge", EntryPayment: "支払い payment", EntryRefund: "返金 refund"}[e.Kind]
		c.Write([]string{strconv.FormatInt(e.Seq, 10), e.At.In(japan).Format("2006-01-02 15:04:05"), kind, text(e.What), strconv.FormatInt(e.Amount, 10), strconv.FormatInt(e.Balance, 10), e.Ref})
	}
	c.Flush()
}

// text is a name that no spreadsheet takes for a formula.
func text(s string) string {
	if strings.ContainsAny(s[:min(1, len(s))], "=+-@\t\r") {
		return "'" + s
	}
	return s
}

func (h *Handler) settings(v visit) { h.show(v.w, v.r, "settings", v.page, 0) }

// turn protects more at once, and less after a new login.
func (h *Handler) turn(v visit) {
	switch s := Switch(v.r.PathValue("switch")); s {
	case Stop, Night:
		if err := h.opt.Pay.Protect(v.r.Context(), v.s.Sub, s); err != nil {
			h.fail(v.w, v.r, err)
			return
		}
		http.Redirect(v.w, v.r, "/settings", http.StatusSeeOther)
	case Resume, Day:
		h.again(v, then{What: string(s)})
	default:
		h.fail(v.w, v.r, ui.ErrNoPage)
	}
}

func (h *Handler) received(v visit) { h.show(v.w, v.r, "received", v.page, 0) }

// signed hands out the terms that opened the wallet, or the signature of them.
func (h *Handler) signed(v visit) {
	files := map[string][]byte{"terms.txt": v.page.W.Terms, "terms.txt.p7s": v.page.W.Signature}
	name := v.r.PathValue("file")
	content, ok := files[name]
	if !ok {
		h.fail(v.w, v.r, ui.ErrNoPage)
		return
	}
	relying.HandOut(v.w, name, content)
}

func (h *Handler) closing(v visit) { h.show(v.w, v.r, "close", v.page, 0) }

func (h *Handler) close(v visit) {
	if err := h.opt.Pay.Close(context.WithoutCancel(v.r.Context()), v.s.Sub); err != nil && !errors.Is(err, ErrNotFound) {
		h.fail(v.w, v.r, err)
		return
	}
	http.Redirect(v.w, v.r, "/home", http.StatusSeeOther)
}
