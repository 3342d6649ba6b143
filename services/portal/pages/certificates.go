package pages

import (
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/services/portal"
)

// certificate is one certificate and its state, as shown.
type certificate struct {
	Kind      string
	Serial    string
	State     string
	Hold      string // first open cause
	Why       string // it was revoked, as ui.Revoked names it; "" when the issuer does not say
	NotBefore time.Time
	NotAfter  time.Time
	Since     time.Time // of the hold or revocation
}

// todo is something the person should do; Code names the sentences.
type todo struct {
	Code string
	Why  string // what ended, ended, as ui.Revoked names it
	At   time.Time
}

// certificatesOf divides what the issuer tells, newest first, into the certificates that
// count and those that ended before them. Of a kind all that are good or on hold count,
// because a new phone waits on hold while the old one still works, and without one of
// these the newest.
func certificatesOf(all []portal.Certificate, at time.Time) (now, ended []certificate) {
	usable := map[string]bool{}
	var rows []certificate
	for _, c := range all {
		row := certificate{Kind: c.Kind, Serial: c.Serial, State: c.State, NotBefore: c.NotBefore, NotAfter: c.NotAfter}
		if c.State == "good" && at.After(c.NotAfter) {
			row.State = "expired" // since the snapshot was taken
		}
		if len(c.Holds) > 0 {
			row.Hold = c.Holds[0]
		}
		if c.State == "revoked" && c.Reason != nil {
			row.Why = ui.Revoked(*c.Reason)
		}
		if c.Since != nil {
			row.Since = *c.Since
		}
		usable[row.Kind] = usable[row.Kind] || row.State == "good" || row.State == "held"
		rows = append(rows, row)
	}
	shown := map[string]bool{}
	for _, row := range rows {
		if row.State == "good" || row.State == "held" || !usable[row.Kind] && !shown[row.Kind] {
			now, shown[row.Kind] = append(now, row), true
		} else {
			ended = append(ended, row)
		}
	}
	return now, ended
}

// todoOf is what the states of the certificates that count ask of the person.
func todoOf(now []certificate) []todo {
	var out []todo
	best := map[string]certificate{}
	for _, c := range now {
		if best[c.Kind].State != "good" {
			best[c.Kind] = c
		}
		if c.State == "held" {
			if c.Kind == "card-sign" || c.Kind == "card-auth" {
				out = append(out, todo{Code: "held-card"})
			} else {
				out = append(out, todo{Code: "held"})
			}
		}
	}
	auth, sign, card := best["phone-auth"], best["phone-sign"], best["card-sign"]
	switch {
	case auth.State == "revoked":
		out = append(out, todo{Code: "ended", Why: auth.Why})
	case auth.State != "good" || sign.State != "revoked":
	case card.State == "good":
		out = append(out, todo{Code: "reissue", Why: sign.Why})
	default: // a new one of the phone's takes a good one of the card's
		out = append(out, todo{Code: "desk", Why: sign.Why})
	}
	return out
}

// renewals are the certificates that end within three months of at.
func renewals(now []certificate, at time.Time) []todo {
	var out []todo
	for _, c := range now {
		if c.State == "good" && at.AddDate(0, 3, 0).After(c.NotAfter) {
			out = append(out, todo{Code: "renew", At: c.NotAfter})
		}
	}
	return out
}

// suspendable tells whether there is a phone to suspend, and this login can.
func suspendable(home portal.Home, now []certificate) bool {
	for _, c := range now {
		if c.State == "good" && (c.Kind == "phone-auth" || c.Kind == "phone-sign") {
			return home.Session.Grants[ceremony.ScopeSuspend] != ""
		}
	}
	return false
}

// certificates shows each certificate in words: what it is for, what is in it, how it
// stands and why. The issuer tells the portal neither name nor address out of it.
func (h *Handler) certificates(w http.ResponseWriter, r *http.Request) {
	if p, ok := h.gather(w, r); ok {
		h.show(w, r, ui.Screen{Page: "certificates", Data: p})
	}
}
