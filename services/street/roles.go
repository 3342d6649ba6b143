package street

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// roles is the other parties' doors as the street knows them: a URL and the
// operator token each.
type roles struct {
	client  *http.Client
	token   httpd.OperatorToken
	cards   string
	phone   string
	issuer  string
	desk    string   // the municipality
	mailers []string // the carrier and the bank, which write too
	assert  func(ctx context.Context, audience string) (string, error)
}

// callTimeout is for one exchange with a role. The cards role asks for the status
// of every card before it answers.
const callTimeout = 15 * time.Second

func newRoles(c Config) roles {
	if c.Client == nil {
		c.Client = httpd.Client(callTimeout)
	}
	return roles{client: c.Client, token: c.Token, assert: c.Assertion,
		cards: c.origin("cards"), phone: c.origin("phone"), issuer: c.origin("issuer"),
		desk: c.origin("municipality"), mailers: []string{c.origin("carrier"), c.origin("bank")}}
}

// Card is one card of the rack, as the cards role tells it.
type Card struct {
	ID       string `json:"id"`
	Resident string `json:"resident"`         // as the register tells, where it does
	State    string `json:"state"`            // good, held, revoked, expired, no_signature, blank, unknown
	Reader   string `json:"reader,omitempty"` // 127.0.0.1:PORT while it is held to a reader
	Tries    *Tries `json:"tries,omitempty"`
}

// Tries is what is left of a card's secrets.
type Tries struct {
	SignPassword int `json:"sign_password"`
	AuthPIN      int `json:"auth_pin"`
}

// Phone is one phone of this machine, as its door tells it.
type Phone struct {
	ID       string `json:"id"`
	Model    string `json:"model"`
	State    string `json:"state"`
	Resident string `json:"resident"`
	Reader   string `json:"reader"` // 127.0.0.1:PORT of its card slot
	Settings struct {
		Power *bool `json:"power"`
	} `json:"settings"`
}

// On reports whether the phone is switched on; a phone that does not say is.
func (p Phone) On() bool { return p.Settings.Power == nil || *p.Settings.Power }

// Notice is one message of the second channel.
type Notice struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	To struct {
		Channel string `json:"channel"`
		Address string `json:"address"`
	} `json:"to"`
	Kind string `json:"kind"`
	JA   words  `json:"ja"`
	EN   words  `json:"en"`
}

type words struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// Title is the notice's in both languages.
func (n Notice) Title() ui.Text { return ui.Text{JA: n.JA.Title, EN: n.EN.Title} }

// paragraph is one of a notice; one that is an address can be followed, as in any program
// that shows mail.
type paragraph struct {
	Text string
	Link bool
}

// Paragraphs is the notice's text in language l, a paragraph a line.
func (n Notice) Paragraphs(l ui.Lang) (all []paragraph) {
	for line := range strings.FieldsFuncSeq(ui.Text{JA: n.JA.Body, EN: n.EN.Body}.In(l), func(c rune) bool { return c == '\n' }) {
		u, err := url.Parse(line)
		all = append(all, paragraph{line, err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")})
	}
	return all
}

// Cards lists the rack.
func (r roles) Cards(ctx context.Context) ([]Card, error) {
	var out list[Card]
	err := r.call(ctx, http.MethodGet, r.cards, "/v1/cards", nil, &out)
	return out.items, err
}

// holders says by card whose it is: a resident's further cards are known to the
// register alone.
func (r roles) holders(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	if r.desk == "" {
		return out, nil
	}
	for after := ""; ; {
		var page struct {
			Residents []struct {
				Resident struct {
					ID string `json:"id"`
				} `json:"resident"`
				Cards []struct {
					ID string `json:"id"`
				} `json:"cards"`
			} `json:"residents"`
		}
		if err := r.call(ctx, http.MethodGet, r.desk, "/v1/residents?after="+url.QueryEscape(after), nil, &page); err != nil || len(page.Residents) == 0 {
			return out, err
		}
		for _, e := range page.Residents {
			for _, c := range e.Cards {
				out[c.ID] = e.Resident.ID
			}
			after = e.Resident.ID
		}
	}
}

// Tap holds a card to a reader until it is removed or the reader hangs up.
func (r roles) Tap(ctx context.Context, card, reader string) error {
	return r.call(ctx, http.MethodPost, r.cards, "/v1/cards/"+url.PathEscape(card)+"/tap", map[string]string{"reader": reader}, nil)
}

// Remove takes a card away from whatever reader it is held to.
func (r roles) Remove(ctx context.Context, card string) error {
	return r.call(ctx, http.MethodDelete, r.cards, "/v1/cards/"+url.PathEscape(card)+"/tap", nil, nil)
}

// Type types the number on a desk's screen, and a PIN, at the key pad of the reader that
// a card lies in.
func (r roles) Type(ctx context.Context, card, number string, pin secret.PIN) error {
	body := struct {
		PIN    string `json:"card_auth_pin"`
		Number string `json:"number"`
	}{Number: number}
	pin.Reveal(func(digits []byte) { body.PIN = string(digits) })
	return r.call(ctx, http.MethodPost, r.cards, "/v1/cards/"+url.PathEscape(card)+"/pad", body, nil)
}

// Phones lists the phones of this machine.
func (r roles) Phones(ctx context.Context) ([]Phone, error) {
	var out list[Phone]
	err := r.call(ctx, http.MethodGet, r.phone, "/v1/phones", nil, &out)
	return out.items, err
}

// Present holds a phone to a terminal's reader until it is taken away or the terminal lets
// go.
func (r roles) Present(ctx context.Context, phone, reader string) error {
	return r.call(ctx, http.MethodPost, r.phone, "/v1/phones/"+url.PathEscape(phone)+"/present", map[string]string{"reader": reader}, nil)
}

// Power switches a phone off or on.
func (r roles) Power(ctx context.Context, phone string, on bool) error {
	return r.call(ctx, http.MethodPost, r.phone, "/v1/phones/"+url.PathEscape(phone)+"/settings", map[string]bool{"power": on}, nil)
}

// Reset is a factory reset of a phone.
func (r roles) Reset(ctx context.Context, phone string) error {
	return r.call(ctx, http.MethodPost, r.phone, "/v1/phones/"+url.PathEscape(phone)+"/reset", nil, nil)
}

// StopOCSP makes the issuer's OCSP responder fall silent, or speak again.
func (r roles) StopOCSP(ctx context.Context, stopped bool) error {
	return r.call(ctx, http.MethodPost, r.issuer, "/sandbox/ocsp", map[string]bool{"stopped": stopped}, nil)
}

// Suspend reports a phone lost by its lock code.
func (r roles) Suspend(ctx context.Context, birth, lockCode string) error {
	return r.callAs(ctx, http.MethodPost, r.issuer, "/v1/suspensions", map[string]string{"birth_date": birth, "lock_code": lockCode}, nil)
}

// Outbox reads every notice of the second channel, oldest first: the issuer's, the carrier's
// mail and the bank's post, where they run.
func (r roles) Outbox(ctx context.Context) ([]Notice, error) {
	if r.assert == nil || r.issuer == "" {
		return nil, httpd.Unreachable
	}
	all, err := r.outboxOf(ctx, r.issuer, func() (httpd.Header, error) {
		assertion, err := r.assert(ctx, r.issuer)
		return httpd.Bearer(assertion), err
	})
	if err != nil {
		return nil, err
	}
	for _, origin := range r.mailers {
		if origin == "" {
			continue
		}
		letters, err := r.outboxOf(ctx, origin, func() (httpd.Header, error) { return r.token.Bearer(), nil })
		if err != nil {
			return nil, err
		}
		all = append(all, letters...)
	}
	slices.SortStableFunc(all, func(a, b Notice) int { return a.At.Compare(b.At) })
	return all, nil
}

// outboxOf reads one party's outbox to its end.
func (r roles) outboxOf(ctx context.Context, origin string, authorize func() (httpd.Header, error)) ([]Notice, error) {
	var all []Notice
	seen := map[string]bool{}
	for len(all) < 5000 {
		header, err := authorize()
		if err != nil {
			return nil, fmt.Errorf("street: sign the request for the outbox: %w", err)
		}
		path := "/v1/outbox"
		if len(all) > 0 {
			path += "?after=" + url.QueryEscape(all[len(all)-1].ID)
		}
		var page struct {
			Notices []Notice `json:"notices"`
		}
		if err := r.callAs(ctx, http.MethodGet, origin, path, nil, &page, header); err != nil {
			return nil, err
		}
		if len(page.Notices) == 0 {
			break
		}
		for _, n := range page.Notices {
			if n.ID == "" || seen[n.ID] {
				return nil, fmt.Errorf("street: the outbox tells notice %q twice", n.ID)
			}
			seen[n.ID] = true
		}
		all = append(all, page.Notices...)
	}
	return all, nil
}

// call does one exchange with the operator token. An origin of "" is a role
// that does not run here: httpd.Unreachable. A problem that the role answers
// comes back as it was said.
func (r roles) call(ctx context.Context, method, origin, path string, in, out any) error {
	return r.callAs(ctx, method, origin, path, in, out, r.token.Bearer())
}

// callAs is call with another authorization.
func (r roles) callAs(ctx context.Context, method, origin, path string, in, out any, header ...httpd.Header) error {
	if origin == "" {
		return httpd.Unreachable
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("street: %s %s: %w", method, path, err)
		}
		header = append(header, httpd.Header{Name: "Content-Type", Value: "application/json"})
	}
	answer, _, err := httpd.Exchange(ctx, r.client, method, origin+path, body, header...)
	if err != nil || out == nil || len(answer) == 0 {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return httpd.BadAnswer.Because(fmt.Errorf("street: read the answer of %s: %w", path, err))
	}
	return nil
}

// list decodes a JSON array, or an object whose one member is the array: the
// doors of the sandbox differ in that.
type list[T any] struct{ items []T }

func (l *list[T]) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, &l.items)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for _, m := range members {
		if m = bytes.TrimSpace(m); len(m) > 0 && m[0] == '[' {
			return json.Unmarshal(m, &l.items)
		}
	}
	return errors.New("street: no list in the answer")
}
