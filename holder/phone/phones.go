package phone

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"tegata/holder/card"
	"tegata/holder/element"
	"tegata/internal/attest"
	"tegata/internal/certpath"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/trace"
)

// Config is what the phones of a machine need around them.
type Config struct {
	Store  Store
	Dir    string // DIR/ID is the element of phone ID
	Files  durable.Files
	Sealer *secret.Sealer // of the elements, and of the documents that were signed
	Now    func() time.Time
	Arc    pki.Arc
	Cost   secret.Cost // of comparing a secret

	// Origin is that of the phones' own pages, by which biometrics are asked for;
	// empty: they are not offered.
	Origin string

	Issuer string // URL of the authority, as it writes itself into aud
	// Receipts is the page where a shop checks the receipt of a phone that was given
	// up; "" when there is none.
	Receipts string
	Client   *http.Client // of httpd.Client; 5 s

	// Verifiers are the origins of the verifiers that this machine's phones were
	// set up with. A link to another one is followed only when the person says so:
	// whoever writes a link chooses whom the phone would speak to.
	Verifiers []string

	Ops    []*x509.Certificate   // roots under which verifiers and parties stand
	Status certpath.StatusSource // of their certificates, and of the phones' own

	Maker  attest.Maker // of the sandbox's phones
	Models []Model      // that it makes

	// StatusWait is how long whoever looks at a phone waits for Status; 0 is 2 s.
	StatusWait time.Duration
	// TapWait is how long a step waits for a card; 0 is 20 s.
	TapWait time.Duration
	Trace   trace.Sink
	Log     *slog.Logger
	// GenerateKey is the element's; nil in production.
	GenerateKey func() (*rsa.PrivateKey, error)
}

// Phones is the phone role: the phones of this machine.
type Phones struct {
	c Config

	mu   sync.Mutex // guards open
	open map[string]*Phone
}

// New makes the role. Close gives up what it opened.
func New(c Config) *Phones {
	if c.TapWait == 0 {
		c.TapWait = 20 * time.Second
	}
	if c.StatusWait == 0 {
		c.StatusWait = statusWait
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Phones{c: c, open: map[string]*Phone{}}
}

// NewPhone is what a phone is made with.
type NewPhone struct {
	ID       string // 1 to 32 of a-z, 0-9 and hyphens
	Name     string // as its owner calls it
	Resident string // whose it is in the sandbox, or ""
	Model    string // id of a model; "" is the first
	Reader   string // where cards dial in; "" is a free port of 127.0.0.1
}

// Create makes a phone: an element out of its maker's hands, and its settings.
// Made again with the same id, after a crash in between, it goes on; ErrPhoneExists
// when it was made completely.
func (ps *Phones) Create(ctx context.Context, n NewPhone) (*Phone, error) {
	if !validName(n.ID) {
		return nil, ErrPhoneName
	}
	if n.Model == "" && len(ps.c.Models) > 0 {
		n.Model = ps.c.Models[0].ID
	}
	model, ok := ps.model(n.Model)
	if !ok {
		return nil, ErrSetting
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if _, err := ps.c.Store.Phone(ctx, n.ID); err == nil {
		return nil, ErrPhoneExists
	} else if !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("phone: create %s: %w", n.ID, err)
	}
	at := &presence{}
	el, err := ps.makeElement(n.ID, model, at)
	if err != nil {
		return nil, fmt.Errorf("phone: create %s: %w", n.ID, err)
	}
	r := Record{
		ID: n.ID, Name: n.Name, Resident: n.Resident, Model: n.Model, Reader: n.Reader,
		NFC: true, Network: true, Power: true, MadeAt: ps.c.Now(),
	}
	p := &Phone{phones: ps, id: n.ID, element: el, presence: at}
	if r.Reader, err = p.listen(r); err == nil {
		err = ps.c.Store.AddPhone(ctx, r)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("phone: create %s: %w", n.ID, err)
	}
	ps.open[n.ID] = p
	return p, nil
}

// makeElement makes an element, or opens the one that a crash left behind.
func (ps *Phones) makeElement(id string, m Model, at *presence) (*element.Element, error) {
	batch, err := ps.batch(m)
	if err != nil {
		return nil, err
	}
	c := ps.elementConfig(id, at)
	el, err := element.Open(c)
	if err != nil {
		if el, err = element.Create(c, m.hardware(false), batch); err != nil || m.Fault == element.NoFault {
			return el, err
		}
	}
	return el, el.Fit(m.hardware(false), batch, m.Fault)
}

// elementConfig is what the element of a phone has around it; what its wallet receives
// goes to at.
func (ps *Phones) elementConfig(id string, at *presence) element.Config {
	return element.Config{
		Dir: filepath.Join(ps.c.Dir, id), Files: ps.c.Files, Sealer: ps.c.Sealer, Arc: ps.c.Arc,
		Cost: ps.c.Cost, Now: ps.c.Now, GenerateKey: ps.c.GenerateKey, Origin: ps.c.Origin,
		Applications: []card.Application{element.NewCarryingWallet(at.receive, at.carried)}, UsedAsCard: func() bool { return ps.usedAsCard(id) },
	}
}

// batch is a batch key for a model, of our maker or of one that nobody knows.
func (ps *Phones) batch(m Model) (attest.Batch, error) {
	maker, at := ps.c.Maker, ps.c.Now()
	if m.UnknownMaker {
		var err error
		if maker, err = attest.NewMaker("A maker that nobody knows (software)", at); err != nil {
			return attest.Batch{}, err
		}
	}
	return maker.NewBatch(m.Hardware.Model, at)
}

func (ps *Phones) model(id string) (Model, bool) {
	for _, m := range ps.c.Models {
		if m.ID == id {
			return m, true
		}
	}
	return Model{}, false
}

// reopen opens the reader where it was, or, when another program has taken that
// port since, somewhere else: who holds a card asks where.
func (p *Phone) reopen(ctx context.Context, r Record) error {
	_, err := p.listen(r)
	if err == nil {
		return nil
	}
	r.Reader = ""
	moved, again := p.listen(r)
	if again != nil {
		return errors.Join(err, again)
	}
	r.Reader = moved
	return p.store().PutPhone(ctx, r)
}

// Find returns a phone: the same *Phone each time. ErrNoPhone.
func (ps *Phones) Find(ctx context.Context, id string) (*Phone, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.open[id]; p != nil {
		return p, nil
	}
	r, err := ps.c.Store.Phone(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrNoPhone
	}
	if err != nil {
		return nil, fmt.Errorf("phone: find %s: %w", id, err)
	}
	at := &presence{}
	el, err := element.Open(ps.elementConfig(id, at))
	if err != nil {
		return nil, fmt.Errorf("phone: find %s: %w", id, err)
	}
	p := &Phone{phones: ps, id: id, element: el, presence: at}
	if err := p.recover(ctx); err != nil {
		p.close()
		return nil, fmt.Errorf("phone: find %s: %w", id, err)
	}
	if err := p.reopen(ctx, r); err != nil {
		ps.c.Log.ErrorContext(ctx, "a phone's reader does not open", "phone", id, "error", err)
	}
	ps.open[id] = p
	return p, nil
}

// All returns all phones in the order in which they were made.
func (ps *Phones) All(ctx context.Context) ([]*Phone, error) {
	records, err := ps.c.Store.Phones(ctx)
	if err != nil {
		return nil, fmt.Errorf("phone: list: %w", err)
	}
	all := make([]*Phone, 0, len(records))
	for _, r := range records {
		p, err := ps.Find(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Close gives up all readers and elements.
func (ps *Phones) Close() error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var all []error
	for id, p := range ps.open {
		all = append(all, p.close())
		delete(ps.open, id)
	}
	return errors.Join(all...)
}

func validName(id string) bool {
	for _, r := range id {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-') {
			return false
		}
	}
	return id != "" && len(id) <= 32
}
