package rack

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tegata/holder/card"
	"tegata/holder/reader"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/trace"
)

// CardSecrets are the two secrets of the card's JPKI application.
type CardSecrets struct {
	SignPassword secret.Password
	AuthPIN      secret.PIN
}

// Secrets keeps the sandbox's secrets.
type Secrets interface {
	// ForCard returns the secrets of a card, the same ones each time. They are
	// durable when it returns.
	ForCard(id string) (CardSecrets, error)
}

// Judge says whether a certificate is still good, as a stranger would ask:
// "good", "held", "revoked" or "expired". An error means that nobody could say.
type Judge func(ctx context.Context, certificate, authority *x509.Certificate) (string, error)

// Rack is the cards role. Its methods may be called by many goroutines.
type Rack struct {
	box     *card.Box
	secrets Secrets
	judge   Judge
	cost    secret.Cost
	now     func() time.Time
	log     *slog.Logger
	trace   trace.Sink

	mu   sync.Mutex // guards taps
	taps map[string]*tap
}

// tap is one card held to one reader.
type tap struct {
	*reader.Held
	since time.Time
	pad   *reader.KeyPad
	over  bool // the tap has ended; guarded by Rack.mu
}

// Options are what a rack can do without.
type Options struct {
	Judge Judge            // nil: the state of a card is unknown
	Cost  secret.Cost      // zero: secret.StandardCost()
	Now   func() time.Time // nil: the real time
	Log   *slog.Logger
	Trace trace.Sink
}

// New makes the role over an open box.
func New(box *card.Box, secrets Secrets, opt Options) *Rack {
	r := &Rack{box: box, secrets: secrets, judge: opt.Judge, cost: opt.Cost, now: opt.Now, log: opt.Log, trace: opt.Trace, taps: map[string]*tap{}}
	if r.cost == (secret.Cost{}) {
		r.cost = secret.StandardCost()
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r
}

// Blank is a card that waits for its certificates.
type Blank struct {
	AuthCSR []byte `json:"auth_csr"` // PKCS #10, DER
	SignCSR []byte `json:"sign_csr"`
}

// Make returns the requests of the card called id, which is made when it is not
// there. A second call gives requests for the same keys. Errors: ErrName, or
// card.ErrPersonalised when the card is somebody's.
func (r *Rack) Make(id, municipality string) (Blank, error) {
	c, err := r.box.Open(id)
	if errors.Is(err, card.ErrNoCard) {
		c, err = r.box.Create(id, card.Spec{Token: card.Token{Municipality: municipality}, Cost: r.cost})
	}
	if err != nil {
		return Blank{}, err
	}
	if c.Personalised() {
		return Blank{}, card.ErrPersonalised
	}
	var b Blank
	if b.AuthCSR, err = c.CSR(pki.CardAuth); err != nil {
		return Blank{}, err
	}
	if b.SignCSR, err = c.CSR(pki.CardSign); err != nil {
		return Blank{}, err
	}
	return b, nil
}

// Papers are the certificates that make a blank card somebody's.
type Papers struct {
	Auth          []byte `json:"auth"`
	Sign          []byte `json:"sign,omitempty"` // absent: under 15
	AuthAuthority []byte `json:"auth_authority"`
	SignAuthority []byte `json:"sign_authority,omitempty"`
}

// Personalise writes certificates and secrets into a blank card, once. Sent again
// with the same certificates it succeeds and changes nothing.
func (r *Rack) Personalise(id string, p Papers) error {
	c, err := r.box.Open(id)
	if err != nil {
		return err
	}
	if c.Personalised() {
		if string(c.Certificate(pki.CardAuth)) == string(p.Auth) && string(c.Certificate(pki.CardSign)) == string(p.Sign) {
			return nil
		}
		return card.ErrPersonalised
	}
	secrets, err := r.secrets.ForCard(id)
	if err != nil {
		return fmt.Errorf("rack: secrets of a card: %w", err)
	}
	person := card.Personalisation{
		Certificates: map[pki.Kind][]byte{pki.CardAuth: p.Auth},
		Authorities:  map[pki.Kind][]byte{pki.CardAuth: p.AuthAuthority},
		AuthPIN:      secrets.AuthPIN,
	}
	if len(p.Sign) > 0 {
		person.Certificates[pki.CardSign], person.Authorities[pki.CardSign] = p.Sign, p.SignAuthority
		person.SignPassword = secrets.SignPassword
	}
	return c.Personalise(person)
}

// Listed is a card on the rack, without anything personal.
type Listed struct {
	ID     string     `json:"id"`
	State  string     `json:"state"` // good, held, revoked, expired, no_signature, blank, unknown
	Reader string     `json:"reader,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Tries  Tries      `json:"tries"`
}

// Tries is what is left of the card's two secrets.
type Tries struct {
	SignPassword int `json:"sign_password"`
	AuthPIN      int `json:"auth_pin"`
}

// List returns all cards in the order of their names.
func (r *Rack) List(ctx context.Context) ([]Listed, error) {
	names, err := r.box.List()
	if err != nil {
		return nil, err
	}
	list := make([]Listed, 0, len(names))
	for _, name := range names {
		c, err := r.box.Open(name)
		if err != nil {
			return nil, err
		}
		l := Listed{ID: name, State: r.state(ctx, c), Tries: Tries{SignPassword: c.TriesLeft(pki.CardSign), AuthPIN: c.TriesLeft(pki.CardAuth)}}
		if t := r.tapOf(name); t != nil {
			l.Reader, l.Since = t.Addr(), &t.since
		}
		list = append(list, l)
	}
	return list, nil
}

// state is the worse of the two certificates' states: what the holder meets when
// the card is used.
func (r *Rack) state(ctx context.Context, c *card.Card) string {
	if !c.Personalised() {
		return "blank"
	}
	worst := "good"
	for _, kind := range []pki.Kind{pki.CardAuth, pki.CardSign} {
		der := c.Certificate(kind)
		if len(der) == 0 {
			return "no_signature"
		}
		if s := r.ask(ctx, der, c.Authority(kind)); severity(s) > severity(worst) {
			worst = s
		}
	}
	return worst
}

func (r *Rack) ask(ctx context.Context, der, authority []byte) string {
	leaf, err := x509.ParseCertificate(der)
	if err != nil || r.judge == nil {
		return "unknown"
	}
	issuer, err := x509.ParseCertificate(authority)
	if err != nil {
		return "unknown"
	}
	s, err := r.judge(ctx, leaf, issuer)
	if err != nil {
		r.log.Warn("status of a card could not be learned", "error", err)
		return "unknown"
	}
	return s
}

func severity(state string) int {
	for i, s := range []string{"good", "unknown", "held", "expired", "revoked"} {
		if s == state {
			return i
		}
	}
	return 0
}

func (r *Rack) tapOf(id string) *tap {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taps[id]
}

// Tap holds a card to the reader at addr, "127.0.0.1:PORT", until Untap, until
// the reader hangs up, or until ctx ends. A card that was held elsewhere is taken
// away from there first: nobody holds one card to two readers.
func (r *Rack) Tap(ctx context.Context, id, addr string) error {
	c, err := r.box.Open(id)
	if err != nil {
		return err
	}
	if reader.OnThisMachine(addr) != nil {
		return ErrReaderAddress
	}
	r.Untap(id)
	t := &tap{since: r.now().UTC(), pad: reader.WithKeyPad(c)}
	t.Held, err = reader.Hold(ctx, addr, t.pad, func(err error) {
		if err != nil {
			r.log.Info("a tap ended", "card", id, "error", err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		t.over = true
		if r.taps[id] == t {
			delete(r.taps, id)
		}
	})
	if err != nil {
		return fmt.Errorf("rack: %w: %w", ErrNoReader, err)
	}
	r.mu.Lock()
	faster := r.taps[id] != nil // somebody else
	if !faster && !t.over {
		r.taps[id] = t
	}
	r.mu.Unlock()
	if faster {
		t.Release()
		return ErrHeld
	}
	return nil
}

// Type types the number that a terminal's screen shows, and the card's PIN, at the key
// pad of the reader that the card is held to. A terminal without one never asks for them.
func (r *Rack) Type(id, number string, pin secret.PIN) error {
	if !isPadNumber(number) {
		return ErrPadNumber
	}
	t := r.tapOf(id)
	if t == nil {
		return ErrNotHeld
	}
	t.pad.Type(number, pin)
	return nil
}

func isPadNumber(s string) bool {
	return len(s) == 2 && s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9'
}

// Certificate is the authentication certificate of a card (DER), which is free to read.
func (r *Rack) Certificate(id string) ([]byte, error) {
	c, err := r.box.Open(id)
	if err != nil {
		return nil, err
	}
	return c.Certificate(pki.CardAuth), nil
}

// Untap takes a card away from where it is, and says whether it was anywhere.
func (r *Rack) Untap(id string) bool {
	r.mu.Lock()
	t := r.taps[id]
	delete(r.taps, id)
	r.mu.Unlock()
	if t == nil {
		return false
	}
	t.Release()
	return true
}

// Close takes all cards away and gives up the box.
func (r *Rack) Close() error {
	r.mu.Lock()
	var held []string
	for id := range r.taps {
		held = append(held, id)
	}
	r.mu.Unlock()
	for _, id := range held {
		r.Untap(id)
	}
	return r.box.Close()
}
