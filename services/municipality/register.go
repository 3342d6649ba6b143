package municipality

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"tegata/internal/audit"
	"tegata/internal/httpd"
	"tegata/internal/trace"
)

// Config is what an operator decides, and what the role is given.
type Config struct {
	// Municipalities are those whose residents are registered here.
	Municipalities []Municipality
	// Party is our id under the operations authority, and Signer and Chain the key
	// and certificates (leaf first) that prove it to the issuer.
	Party  string
	Signer crypto.Signer
	Chain  []*x509.Certificate
	// Issuer is the issuer's URL, and Audience how it calls itself; empty: the URL.
	Issuer, Audience string
	// Cards is the URL of the role that makes cards, and CardsToken what opens it.
	Cards      string
	CardsToken httpd.OperatorToken
	// Now is the clock; nil: the real one.
	Now func() time.Time
	// Client calls the other parties; nil: httpd.Client of 30 seconds, since a
	// card makes two RSA keys while we wait.
	Client *http.Client
	Log    *slog.Logger // may be nil
	Trace  trace.Sink   // may be nil
}

// Register is the register and the desk. Its methods may be called by many
// goroutines and by several processes over one store.
type Register struct {
	conf  Config
	store Store
	lines lines
}

// New makes the role. It cannot fail: contradictions in conf are found where it
// is read.
func New(store Store, conf Config) *Register {
	if conf.Now == nil {
		conf.Now = time.Now
	}
	if conf.Client == nil {
		conf.Client = httpd.Client(30 * time.Second)
	}
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	if conf.Audience == "" {
		conf.Audience = conf.Issuer
	}
	return &Register{conf: conf, store: store, lines: lines{held: map[string]*line{}}}
}

// at is the moment of one request, in the milliseconds that the store keeps.
func (r *Register) at() time.Time { return r.conf.Now().UTC().Truncate(time.Millisecond) }

func (r *Register) municipality(code string) (Municipality, bool) {
	for _, m := range r.conf.Municipalities {
		if m.Code == code {
			return m, true
		}
	}
	return Municipality{}, false
}

// Add registers a resident. Sent again with the same content it gets the same
// answer. Errors: ErrBadResident, ErrMunicipality, ErrResidentConflict.
func (r *Register) Add(ctx context.Context, who audit.Actor, in Resident) (Entry, error) {
	if in.gone() {
		return Entry{}, badField(ErrBadResident, &fieldError{"died", "is told as an event"})
	}
	at := r.at()
	full, err := in.complete(at)
	if bad, ok := errors.AsType[*fieldError](err); ok {
		return Entry{}, badField(ErrBadResident, bad)
	}
	if _, ok := r.municipality(full.Municipality); !ok {
		return Entry{}, ErrMunicipality
	}
	hash, err := hashOf(full)
	if err != nil {
		return Entry{}, err
	}
	err = r.store.Write(ctx, func(tx Tx) error {
		was, err := tx.Resident(ctx, full.ID)
		switch {
		case err == nil && was.RequestHash == hash:
			return nil
		case err == nil:
			return ErrResidentConflict
		case !errors.Is(err, ErrNotFound):
			return err
		}
		if err := tx.AddResident(ctx, Record{Resident: full, RegisteredAt: at, ChangedAt: at, RequestHash: hash, Version: 1}); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "resident.register", full.ID, map[string]string{"municipality": full.Municipality})
	})
	if err != nil {
		return Entry{}, err
	}
	return r.Show(ctx, full.ID)
}

// hashOf recognises a request that is sent again.
func hashOf(v any) ([32]byte, error) {
	text, err := json.Marshal(v)
	return sha256.Sum256(text), err
}

// Entry is a resident with the cards and events, as the desk sees it.
type Entry struct {
	Resident     Resident    `json:"resident"`
	RegisteredAt time.Time   `json:"registered_at"`
	Cards        []CardView  `json:"cards"`
	Events       []EventView `json:"events"`
	Trouble      string      `json:"trouble,omitempty"` // why open work has not gone on
}

// CardView is a card without its papers.
type CardView struct {
	ID        string     `json:"id"`
	State     CardState  `json:"state"`
	Onto      string     `json:"onto,omitempty"` // the card that this signature certificate is for
	Signature bool       `json:"signature"`      // with a signature certificate
	SignEnded bool       `json:"sign_ended,omitempty"`
	Lost      bool       `json:"lost,omitempty"`
	OrderedAt time.Time  `json:"ordered_at"`
	DoneAt    *time.Time `json:"done_at,omitempty"`
	NotAfter  *time.Time `json:"not_after,omitempty"`
	Trouble   string     `json:"trouble,omitempty"` // the code of what refused it
}

// EventView is an event without its message.
type EventView struct {
	ID      string     `json:"id"`
	Kind    EventKind  `json:"kind"`
	State   EventState `json:"state"`
	At      time.Time  `json:"at"`
	On      *time.Time `json:"on,omitempty"` // the beginning of the day for which it was reported
	DoneAt  *time.Time `json:"done_at,omitempty"`
	Changed int        `json:"changed,omitempty"` // certificates that the issuer changed by it
	Trouble string     `json:"trouble,omitempty"`

	Card        string    `json:"card,omitempty"`
	Certificate string    `json:"certificate,omitempty"` // card-revoked: "card-sign", that one alone
	Of          EventKind `json:"of,omitempty"`          // announced: what will happen, or not after all
	Cancelled   bool      `json:"cancelled,omitempty"`
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (c Card) view() CardView {
	return CardView{
		ID: c.ID, State: c.State, Onto: c.Onto, Signature: c.Signature, SignEnded: c.SignEnded, Lost: c.Lost, OrderedAt: c.OrderedAt,
		DoneAt: moment(c.DoneAt), NotAfter: moment(c.NotAfter), Trouble: c.Trouble,
	}
}

func (e Event) view() EventView {
	v := EventView{ID: e.ID, Kind: e.Kind, State: e.State, At: e.At, On: moment(e.On), DoneAt: moment(e.DoneAt), Changed: e.Changed, Trouble: e.Trouble}
	var said registerEvent
	if err := json.Unmarshal(e.Message, &said); err == nil { // a Report that is planned has these members too
		v.Card, v.Certificate, v.Of, v.Cancelled = said.Card, said.Certificate, said.Of, said.Cancelled
	}
	return v
}

// Show returns a resident, or ErrUnknownResident.
func (r *Register) Show(ctx context.Context, id string) (Entry, error) {
	var out Entry
	err := r.store.Read(ctx, func(tx Tx) error {
		rec, err := tx.Resident(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return ErrUnknownResident
		}
		if err != nil {
			return err
		}
		out, err = entry(ctx, tx, rec)
		return err
	})
	return out, err
}

// List returns up to limit residents after the id after, in the order of ids.
func (r *Register) List(ctx context.Context, after string, limit int) ([]Entry, error) {
	var out []Entry
	err := r.store.Read(ctx, func(tx Tx) error {
		out = []Entry{}
		list, err := tx.Residents(ctx, after, limit)
		if err != nil {
			return err
		}
		for _, rec := range list {
			e, err := entry(ctx, tx, rec)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out, err
}

func entry(ctx context.Context, tx Tx, rec Record) (Entry, error) {
	out := Entry{Resident: rec.Resident, RegisteredAt: rec.RegisteredAt, Cards: []CardView{}, Events: []EventView{}}
	cards, err := tx.CardsOf(ctx, rec.ID)
	if err != nil {
		return out, err
	}
	for _, c := range cards {
		out.Cards = append(out.Cards, c.view())
	}
	events, err := tx.EventsOf(ctx, rec.ID)
	if err != nil {
		return out, err
	}
	for _, e := range events {
		out.Events = append(out.Events, e.view())
	}
	work, err := tx.WorkOf(ctx, rec.ID)
	if errors.Is(err, ErrNotFound) {
		return out, nil
	}
	out.Trouble = work.Trouble
	return out, err
}
