package municipality

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tegata/internal/audit"
	"tegata/internal/problem"
)

// lines has one of this process at a time go on with a resident's work. Between
// processes the states in the store decide, and the messages' ids.
type lines struct {
	mu   sync.Mutex // guards held
	held map[string]*line
}

type line struct {
	mu      sync.Mutex // held while the resident's work goes on
	waiting int        // how many want it; guarded by lines.mu
}

func (l *lines) take(resident string) (release func()) {
	l.mu.Lock()
	x := l.held[resident]
	if x == nil {
		x = &line{}
		l.held[resident] = x
	}
	x.waiting++
	l.mu.Unlock()
	x.mu.Lock()
	return func() {
		x.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if x.waiting--; x.waiting == 0 {
			delete(l.held, resident)
		}
	}
}

// goOn does a resident's open work, step by step in order, until nothing is open
// or a step cannot be done now; then it returns why, and the work is due again
// later.
func (r *Register) goOn(ctx context.Context, resident string) error {
	defer r.lines.take(resident)()
	for {
		step, err := r.nextStep(ctx, resident)
		if err != nil {
			return err
		}
		if step == nil {
			step = func(ctx context.Context) error { return r.finish(ctx, resident) }
		}
		switch err := step(ctx); {
		case errors.Is(err, errNothingOpen):
			return nil
		case errors.Is(err, ErrMoved): // somebody else did it, or news came in: look again
		case err != nil:
			return r.postpone(ctx, resident, err)
		}
	}
}

// nextStep says what is to be done first for a resident, or nil.
//
// What was planned for today changes the register whoever can be reached; it is told
// behind what waits already. A card that was requested comes first: its request stands at the issuer, maybe
// carried out, with the facts of that moment. Then the events, in their order.
// Then what is new.
func (r *Register) nextStep(ctx context.Context, resident string) (step func(context.Context) error, err error) {
	err = r.store.Read(ctx, func(tx Tx) error {
		step = nil
		cards, err := tx.CardsOf(ctx, resident)
		if err != nil {
			return err
		}
		events, err := tx.EventsOf(ctx, resident)
		if err != nil {
			return err
		}
		if due, ok := nextPlanned(events); ok && !due.On.After(r.at()) {
			step = func(ctx context.Context) error { return r.carryOut(ctx, due) }
			return nil
		}
		for _, c := range cards {
			if c.State == CardRequested {
				step = func(ctx context.Context) error { return r.issue(ctx, c) }
				return nil
			}
		}
		for _, e := range events {
			if e.State == EventWaiting {
				step = func(ctx context.Context) error { return r.tell(ctx, e) }
				return nil
			}
		}
		for _, c := range cards {
			switch c.State {
			case CardIssued:
				step = func(ctx context.Context) error { return r.handOver(ctx, c) }
				return nil
			case CardOrdered:
				step = func(ctx context.Context) error { return r.request(ctx, c) }
				return nil
			}
		}
		return nil
	})
	return step, err
}

// nextPlanned is the event that was planned for the earliest day.
func nextPlanned(events []Event) (first Event, ok bool) {
	for _, e := range events {
		if e.State == EventPlanned && (!ok || e.On.Before(first.On)) {
			first, ok = e, true
		}
	}
	return first, ok
}

// tell delivers one event to the issuer and notes its answer.
func (r *Register) tell(ctx context.Context, e Event) error {
	changed, err := r.postEvent(ctx, e)
	code, final := finalRefusal(err)
	if err != nil && !final {
		return err
	}
	return r.store.Write(ctx, func(tx Tx) error {
		at := r.at()
		done, action := e, "event.delivered"
		done.State, done.DoneAt, done.Changed = EventDelivered, at, changed
		if final {
			done.State, done.Trouble, action = EventRefused, code, "event.refused"
		}
		if err := tx.UpdateEvent(ctx, done, EventWaiting); err != nil {
			return err
		}
		detail := map[string]string{"resident": e.Resident, "kind": string(e.Kind)}
		if final {
			detail["code"] = code
		}
		return tx.Audit(ctx, at, audit.System("municipality"), action, e.ID, detail)
	})
}

// errNothingOpen ends goOn.
var errNothingOpen = errors.New("municipality: nothing open")

// finish takes the resident off the list of open work, or notes the day of what is
// planned next. ErrMoved when something
// came in since it was looked.
func (r *Register) finish(ctx context.Context, resident string) error {
	err := r.store.Write(ctx, func(tx Tx) error {
		cards, err := tx.CardsOf(ctx, resident)
		if err != nil {
			return err
		}
		events, err := tx.EventsOf(ctx, resident)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(cards, func(c Card) bool { return c.State.open() }) ||
			slices.ContainsFunc(events, func(e Event) bool { return e.State == EventWaiting }) {
			return ErrMoved
		}
		if planned, ok := nextPlanned(events); ok {
			return tx.SetWork(ctx, Work{Resident: resident, Due: planned.On})
		}
		return tx.ClearWork(ctx, resident)
	})
	if err == nil {
		return errNothingOpen
	}
	return err
}

const (
	firstPause = time.Second
	maxPause   = time.Hour
)

// postpone notes why work stopped and when to try again, and returns why.
func (r *Register) postpone(ctx context.Context, resident string, why error) error {
	// The caller may have gone; that the work goes on later must be noted.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := r.store.Write(ctx, func(tx Tx) error {
		w, err := tx.WorkOf(ctx, resident)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		pause := min(firstPause<<min(w.Attempts, 20), maxPause)
		return tx.SetWork(ctx, Work{Resident: resident, Due: r.at().Add(pause), Attempts: w.Attempts + 1, Trouble: problem.From(why).Code})
	})
	return errors.Join(why, err)
}

// NextDue is when open work is to be tried next (clock.Work).
func (r *Register) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	err = r.store.Read(ctx, func(tx Tx) (err error) {
		at, ok, err = tx.NextWork(ctx)
		return err
	})
	return at, ok, err
}

// RunDue goes on with all work that is due at or before at (clock.Work). That a
// party cannot be reached is no error: the work is due again later.
func (r *Register) RunDue(ctx context.Context, at time.Time) error {
	for tried := map[string]bool{}; ; {
		var due []string
		err := r.store.Read(ctx, func(tx Tx) (err error) {
			due, err = tx.DueWork(ctx, at, 100)
			return err
		})
		if err != nil {
			return err
		}
		due = slices.DeleteFunc(due, func(resident string) bool { return tried[resident] })
		if len(due) == 0 {
			return nil
		}
		for _, resident := range due {
			tried[resident] = true
			switch err := r.goOn(ctx, resident); {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				r.conf.Log.WarnContext(ctx, "open work of a resident stopped", "resident", resident, "error", err)
			}
		}
	}
}
