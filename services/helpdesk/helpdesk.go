package helpdesk

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"sync"
	"time"

	"tegata/internal/audit"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/services/desk"
)

// Config is what the helpdesk is built from.
type Config struct {
	Party  string              // its registered id under the ops authority
	Issuer string              // the issuer's machine endpoint
	Signer crypto.Signer       // the registered key
	Chain  []*x509.Certificate // its certificate, leaf first

	Reporters Reporters // the zero one: nobody reports

	Now    func() time.Time
	Client *http.Client // nil: httpd.Client of 10 s
	Log    *slog.Logger
}

// Helpdesk is the role. Its methods may be called by many goroutines.
type Helpdesk struct {
	config Config
	store  Store
	client *http.Client
	log    *slog.Logger

	mu      sync.Mutex // guards all below
	views   map[viewKey]View
	reports map[viewKey]reportLook
}

// viewKey is whose copy of a view it is: each agent looks for themselves, and each look
// is in the person's history.
type viewKey struct{ agent, support string }

// New makes the role. It returns an error when the configuration lacks something.
func New(config Config, store Store) (*Helpdesk, error) {
	if config.Party == "" || config.Issuer == "" || config.Signer == nil || len(config.Chain) == 0 || config.Now == nil {
		return nil, errors.New("helpdesk: configuration: party, issuer, key, certificate or clock is missing")
	}
	h := &Helpdesk{config: config, store: store, client: config.Client, log: config.Log, views: map[viewKey]View{}, reports: map[viewKey]reportLook{}}
	if h.client == nil {
		h.client = httpd.Client(10 * time.Second)
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h, nil
}

func (h *Helpdesk) at() time.Time { return h.config.Now().UTC().Truncate(time.Millisecond) }

func agentActor(agent string) audit.Actor {
	return audit.Actor{Party: "helpdesk", Kind: "person", ID: agent}
}

var _ desk.Roster = (*Helpdesk)(nil)

// Staff implements desk.Roster: an agent on the roster.
func (h *Helpdesk) Staff(ctx context.Context, person string) (desk.Staff, error) {
	a, err := h.store.AgentOf(ctx, person)
	if errors.Is(err, ErrNotFound) {
		return desk.Staff{}, desk.ErrNotStaff
	}
	return desk.Staff{ID: a.ID}, err
}

// Enrol puts the holder of a card on the roster, under a pseudonym: what keeps the
// roster does it, in the sandbox the one who makes it. Somebody who is on it already stays.
func (h *Helpdesk) Enrol(ctx context.Context, agent string, certificate []byte) error {
	all, err := h.store.Agents(ctx)
	if err != nil {
		return fmt.Errorf("helpdesk: roster: %w", err)
	}
	for _, a := range all {
		if a.ID == agent {
			return nil
		}
	}
	person, err := h.Whose(ctx, certificate)
	if err != nil {
		return err
	}
	return h.store.PutAgent(ctx, audit.System("helpdesk"), Agent{ID: agent, Person: person, AddedAt: h.at()})
}

// Call suspends the phone of whoever has these four facts, for somebody who calls. The
// case is kept before the issuer is asked, so that nothing an agent tries is without a
// record; when it cannot be, the phone is stopped all the same, and the issuer's record
// says by whom. The number is the caller's receipt, when it was done; "" when none could
// be kept. ErrFactsForm, before anything is kept or asked. It goes on when ctx is
// cancelled.
func (h *Helpdesk) Call(ctx context.Context, agent string, f Facts) (number string, err error) {
	ctx, cancel := outliving(ctx)
	defer cancel()
	if err := f.check(h.at()); err != nil {
		return "", err
	}
	c := Case{Kind: CaseCall, Agent: agent, OpenedAt: h.at()}
	c.Events = []Event{{At: c.OpenedAt, Agent: agent, What: Asked}}
	number, unkept := h.open(ctx, c)
	h.unkept(ctx, number, unkept)
	end, err := h.suspend(ctx, suspension{Facts: &f, Agent: agent})
	h.forgetAll(agent)
	if number != "" {
		if !h.end(ctx, agent, number, end) {
			number = "" // its page could not say what came of it
		}
		return number, err
	}
	c.Events = append(c.Events, end)
	number, unkept = h.open(context.WithoutCancel(ctx), c)
	h.unkept(ctx, number, unkept)
	return number, err
}

// SuspendSeen suspends the phone that a view is about, and returns the case's number, ""
// when the cases cannot be reached. ErrNoCase when no agent saw that view. It goes on when
// ctx is cancelled.
func (h *Helpdesk) SuspendSeen(ctx context.Context, agent, support string) (number string, err error) {
	ctx, cancel := outliving(ctx)
	defer cancel()
	c, unkept := h.store.CaseAbout(ctx, sha256.Sum256([]byte(support)))
	if errors.Is(unkept, ErrNotFound) {
		return "", ErrNoCase
	}
	if unkept == nil {
		unkept = h.store.Note(ctx, agentActor(agent), c.Number, Event{At: h.at(), Agent: agent, What: Asked})
	}
	h.unkept(ctx, c.Number, unkept)
	end, err := h.suspend(ctx, suspension{Support: support, Agent: agent})
	h.forgetAll(agent)
	if c.Number == "" || !h.end(ctx, agent, c.Number, end) {
		return "", err
	}
	return c.Number, err
}

// finishing is how long what stops a phone goes on without the agent who began it.
const finishing = 10 * time.Second

// outliving is a context in which a phone is stopped though the agent's browser goes away
// meanwhile: a page that is closed takes no suspension back.
func outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), finishing)
}

// suspend asks the issuer, and says what came of it.
func (h *Helpdesk) suspend(ctx context.Context, s suspension) (Event, error) {
	err := h.post(ctx, "/v1/suspensions", s, nil)
	e := Event{Agent: s.Agent, What: Suspended}
	if err != nil {
		p := problem.From(err)
		e.What, e.Code = Refused, p.Code
		if p.Kind == problem.CouldNotCheck || p.Kind == problem.OurFault {
			e.What = NotAnswered
		}
	}
	e.At = h.at()
	return e, err
}

// end notes in a case what came of it, and says whether it could. The agent may have
// closed the page: what happened is noted all the same.
func (h *Helpdesk) end(ctx context.Context, agent, number string, e Event) bool {
	err := h.store.Note(context.WithoutCancel(ctx), agentActor(agent), number, e)
	h.unkept(ctx, number, err)
	return err == nil
}

// unkept tells the operator that a case lacks something, or is not there. It stops no
// suspension: a lost phone does not wait for our records.
func (h *Helpdesk) unkept(ctx context.Context, number string, err error) {
	if err != nil {
		h.log.ErrorContext(ctx, "a case could not be kept", "case", number, "error", err)
	}
}

// View shows what a support number opens, to an agent. Each call of it is a line in the
// person's history.
func (h *Helpdesk) View(ctx context.Context, agent, number string) (View, error) {
	if !sixDigits(number) {
		return View{}, ErrSupportForm
	}
	return h.look(ctx, supportQuery{Number: number, Agent: agent})
}

// Again shows a view that was opened before: the copy that this agent has, or, where
// there is none, the issuer's.
func (h *Helpdesk) Again(ctx context.Context, agent, support string) (View, error) {
	h.mu.Lock()
	v, ok := h.views[viewKey{agent, support}]
	h.mu.Unlock()
	if ok && h.at().Before(v.EndsAt) {
		return v, nil
	}
	h.forget(agent, support)
	return h.look(ctx, supportQuery{Support: support, Agent: agent})
}

func (h *Helpdesk) look(ctx context.Context, q supportQuery) (View, error) {
	v := View{At: h.at()}
	if err := h.post(ctx, "/v1/support-views", q, &v); err != nil {
		return View{}, err
	}
	reference := sha256.Sum256([]byte(v.Support))
	e := Event{At: v.At, Agent: q.Agent, What: Viewed}
	c, err := h.store.CaseAbout(ctx, reference)
	switch {
	case errors.Is(err, ErrNotFound):
		v.Case, err = h.open(ctx, Case{Kind: CaseSupport, Reference: reference, Agent: q.Agent, OpenedAt: e.At, Events: []Event{e}})
	case err == nil:
		v.Case, err = c.Number, h.store.Note(ctx, agentActor(q.Agent), c.Number, e)
	}
	if err != nil {
		return View{}, fmt.Errorf("helpdesk: support: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.views[viewKey{q.Agent, v.Support}] = v
	return v, nil
}

// Advise shows a helper without an account what a support number opens: where the person
// is, and the code of what went wrong. source is where the helper is, for the issuer's
// limit on tries. Nothing of it is kept.
func (h *Helpdesk) Advise(ctx context.Context, number, source string) (Advice, error) {
	if !sixDigits(number) {
		return Advice{}, ErrSupportForm
	}
	var a Advice
	return a, h.post(ctx, "/v1/support-views", supportQuery{Number: number, Source: source}, &a)
}

// Cases lists the newest cases.
func (h *Helpdesk) Cases(ctx context.Context) ([]Case, error) { return h.store.Cases(ctx, 100) }

// CaseOf finds a case. ErrNoCase.
func (h *Helpdesk) CaseOf(ctx context.Context, number string) (Case, error) {
	c, err := h.store.Case(ctx, number)
	if errors.Is(err, ErrNotFound) {
		return c, ErrNoCase
	}
	return c, err
}

// open keeps a case under a number that is free: the day in Japan, and eight digits that
// nobody counts up.
func (h *Helpdesk) open(ctx context.Context, c Case) (string, error) {
	for range 20 {
		n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
		if err != nil {
			return "", fmt.Errorf("helpdesk: open a case: %w", err)
		}
		c.Number = fmt.Sprintf("%s-%08d", c.OpenedAt.In(pki.JST).Format("060102"), n)
		err = h.store.OpenCase(ctx, agentActor(c.Agent), c)
		if errors.Is(err, ErrTaken) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("helpdesk: open a case: %w", err)
		}
		return c.Number, nil
	}
	return "", errors.New("helpdesk: open a case: no number is free today")
}

func (h *Helpdesk) forget(agent, support string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.views, viewKey{agent, support})
}

// forgetAll drops every copy of what an agent was shown: it may be of whoever's phone was
// stopped just now, and show other states. Nobody here knows which is.
func (h *Helpdesk) forgetAll(agent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.views, func(k viewKey, _ View) bool { return k.agent == agent })
	maps.DeleteFunc(h.reports, func(k viewKey, _ reportLook) bool { return k.agent == agent })
}

var _ clock.Work = (*Helpdesk)(nil)

// NextDue is when the next view is over.
func (h *Helpdesk) NextDue(context.Context) (due time.Time, ok bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.views {
		if !ok || v.EndsAt.Before(due) {
			due, ok = v.EndsAt, true
		}
	}
	for _, v := range h.reports {
		if !ok || v.until.Before(due) {
			due, ok = v.until, true
		}
	}
	return due, ok, nil
}

// RunDue erases the views whose ten minutes are over.
func (h *Helpdesk) RunDue(_ context.Context, at time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for k, v := range h.views {
		if !at.Before(v.EndsAt) {
			delete(h.views, k)
		}
	}
	for k, v := range h.reports {
		if !at.Before(v.until) {
			delete(h.reports, k)
		}
	}
	return nil
}

func sixDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 6
}
