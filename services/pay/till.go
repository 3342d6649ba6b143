package pay

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tegata/holder/reader/handover"
	"tegata/internal/ui"
)

// Shop is a shop with one till.
type Shop struct {
	ID          string
	Name        ui.Text // as it is registered: the phone shows this
	Address     ui.Text
	Till        string            // id of its terminal
	Certificate *x509.Certificate // of the terminal
	Slot        handover.Slot     // where a phone is held
	Reader      string            // address of the slot, for a sandbox's pages
}

// Asking asks people at tills. *Asker does.
type Asking interface {
	Ask(ctx context.Context, shop Shop, s Sale) (Asked, error)
	Result(ctx context.Context, result string) (Answer, error)
	// Relay posts the answer that a phone without a network gave at a second tap.
	Relay(ctx context.Context, q Asked, carried []byte) error
}

// Tills are those of all shops. A till knows of the person what it is told here: paid, or a
// reason that is about the sale.
type Tills struct {
	pay   *Pay
	asker Asking
	shops []Shop

	life context.Context // of the tills: Close ends it
	end  context.CancelFunc
	wg   sync.WaitGroup // of the sales that are waited for

	mu      sync.Mutex        // guards what follows
	waiting map[string]waited // by shop
	hint    map[string]string // by sale: what the last thing that was held there did
}

// waited is the sale that a till waits for.
type waited struct {
	sale string
	stop context.CancelFunc
	done chan struct{} // closed when nothing hands it over any more
}

// NewTills makes them; Close ends them.
func NewTills(p *Pay, asker Asking, shops ...Shop) *Tills {
	t := &Tills{pay: p, asker: asker, shops: shops, waiting: map[string]waited{}, hint: map[string]string{}}
	t.life, t.end = context.WithCancel(context.Background())
	return t
}

// Close ends what is waited for. Sales that are asked are over when their time is.
func (t *Tills) Close() error {
	t.end()
	t.wg.Wait()
	return nil
}

// Shop is one by its id. It returns ErrNotFound.
func (t *Tills) Shop(id string) (Shop, error) {
	for _, s := range t.shops {
		if s.ID == id {
			return s, nil
		}
	}
	return Shop{}, ErrNotFound
}

// most is the largest sale: no wallet pays more at once.
const most = 50_000

// Sell asks whoever holds a phone to a shop's till to pay. The same id again asks nobody
// anew. It returns ErrNotFound, ErrAmount, ErrPayOnce, ErrMoved, and what asking returns:
// then the sale is over.
func (t *Tills) Sell(ctx context.Context, shop, id string, amount int64) error {
	at, err := t.Shop(shop)
	switch {
	case err != nil:
		return err
	case amount <= 0:
		return ErrAmount
	case amount > most:
		return ErrPayOnce
	}
	now := t.pay.conf.Now()
	s := Sale{ID: id, Shop: shop, Name: at.Name.JA, Amount: amount, ExpiresAt: now.Add(askLife)}
	fresh, err := t.pay.conf.Store.OpenSale(ctx, now, s)
	if err != nil || !fresh {
		return err
	}
	asked, err := t.asker.Ask(ctx, at, s)
	if err == nil {
		err = t.pay.conf.Store.SaleAsked(ctx, id, asked.Result)
	}
	if err != nil {
		return errors.Join(err, t.over(ctx, id, WhyVerifier))
	}
	s.Result = asked.Result
	ctx, stop := context.WithTimeout(t.life, askLife)
	w := waited{sale: id, stop: stop, done: make(chan struct{})}
	t.mu.Lock()
	older, other := t.waiting[shop]
	t.waiting[shop] = w
	t.mu.Unlock()
	t.wg.Go(func() {
		defer t.forget(shop, w)
		if other { // a phone that is held there now is not asked for the sale before
			older.stop()
			<-older.done
		}
		t.wait(ctx, at, s, asked)
	})
	return nil
}

func (t *Tills) forget(shop string, w waited) {
	w.stop()
	close(w.done)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[shop].sale == w.sale {
		delete(t.waiting, shop)
	}
	delete(t.hint, w.sale)
}

// isWaited says whether a till waits for a sale, with the last hint.
func (t *Tills) isWaited(shop, sale string) (waited, string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, ok := t.waiting[shop]
	return w, t.hint[sale], ok && w.sale == sale
}

// resultPoll is how often the verifier is asked what a person said.
const resultPoll = 500 * time.Millisecond

// handPause is how long a till waits after something was held there that took nothing.
const handPause = 200 * time.Millisecond

// wait hands the request over, and waits for the answer: a phone that was taken away too
// early may have received it all the same.
func (t *Tills) wait(ctx context.Context, shop Shop, s Sale, asked Asked) {
	ctx, stop := context.WithCancel(ctx)
	handed := make(chan struct{})
	go func() { // ends with ctx, and is waited for
		defer close(handed)
		t.hand(ctx, shop, s, asked)
	}()
	defer func() {
		stop()
		<-handed
	}()
	tick := time.NewTicker(resultPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if open, err := t.settle(ctx, s); err != nil {
			t.pay.conf.Log.WarnContext(ctx, "a sale could not be settled; it is tried again", "sale", s.ID, "error", err)
		} else if !open {
			return
		}
	}
}

// hand gives the address to the first phone that takes it, and takes the answer from that
// phone when it is held there again and has no network to send it.
func (t *Tills) hand(ctx context.Context, shop Shop, s Sale, asked Asked) {
	taken := false
	for ctx.Err() == nil {
		carried, err := handover.Answer(ctx, shop.Slot, asked.Address)
		hint := "again"
		switch {
		case err == nil && len(carried) > 0:
			if hint = "carried"; t.asker.Relay(ctx, asked, carried) != nil {
				hint = "not-carried"
			}
		case err == nil || taken: // whatever else is held there meanwhile
			taken, hint = true, "taken"
		case errors.Is(err, handover.ErrNoWallet):
			hint = "no-phone"
		}
		t.mu.Lock()
		t.hint[s.ID] = hint
		t.mu.Unlock()
		select { // a reader that is broken says so at once, again and again
		case <-ctx.Done():
		case <-time.After(handPause):
		}
	}
}

// settle asks what the person said, and pays or ends the sale. It says whether that is open.
func (t *Tills) settle(ctx context.Context, s Sale) (open bool, err error) {
	a, err := t.asker.Result(ctx, s.Result)
	switch {
	case err != nil || a.Open:
		return true, err
	case a.Sub == "" && a.Why == WhyUnanswered:
		return false, t.over(ctx, s.ID, WhyUnanswered)
	case a.Sub == "":
		return false, t.refused(ctx, s.ID, a.Why)
	}
	// Whatever becomes of the till: what was agreed to is paid or refused as a whole.
	ctx = context.WithoutCancel(ctx)
	err = t.pay.Pay(ctx, a.Sub, s)
	switch {
	case err == nil || errors.Is(err, ErrMoved): // paid, or over
		return false, nil
	case errors.Is(err, ErrNotFound) || codeOf(err) != "":
		return false, t.refused(ctx, s.ID, WhyWallet)
	}
	return true, err
}

func (t *Tills) over(ctx context.Context, id, why string) error {
	return t.ends(ctx, id, SaleOver, why)
}

func (t *Tills) refused(ctx context.Context, id, why string) error {
	return t.ends(ctx, id, SaleRefused, why)
}

func (t *Tills) ends(ctx context.Context, id string, to SaleState, why string) error {
	err := t.pay.conf.Store.EndSale(ctx, t.pay.conf.Now(), id, to, why)
	if errors.Is(err, ErrMoved) {
		return nil // it ended otherwise
	}
	return err
}

// Cancel lets go of a sale that nobody paid yet. It returns ErrNotFound.
func (t *Tills) Cancel(ctx context.Context, shop, id string) error {
	if _, err := t.pay.conf.Store.Sale(ctx, shop, id); err != nil {
		return err
	}
	if err := t.over(ctx, id, WhyCancelled); err != nil {
		return err
	}
	if w, _, waited := t.isWaited(shop, id); waited {
		w.stop()
	}
	return nil
}

// See is a sale as its till shows it, with what the last thing did that was held there:
// "taken", "carried", "not-carried", "no-phone", "again", "" for nothing. A sale whose process died is asked about
// here. It returns ErrNotFound.
func (t *Tills) See(ctx context.Context, shop, id string) (s Sale, hint string, err error) {
	s, err = t.pay.conf.Store.Sale(ctx, shop, id)
	if err != nil || s.State != SaleAsked {
		return s, "", err
	}
	if _, hint, waited := t.isWaited(shop, id); waited {
		return s, hint, nil
	}
	if s.Result != "" && t.pay.conf.Now().Before(s.ExpiresAt) {
		if _, err := t.settle(ctx, s); err != nil {
			t.pay.conf.Log.LogAttrs(ctx, slog.LevelWarn, "a sale could not be settled", slog.String("sale", id), slog.Any("error", err))
		}
		s, err = t.pay.conf.Store.Sale(ctx, shop, id)
	}
	return s, "", err
}
