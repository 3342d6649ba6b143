package phone

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/reader"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/trace"
)

// What keeps a phone from being held to a terminal.
var (
	ErrNoTerminal = problem.NewCouldNotCheck("terminal-unreachable",
		"端末の読み取り口につながりません。", "証明書は使われていません。端末の画面を確かめて、もう一度かざしてください。",
		"The terminal's reader does not answer.", "Your certificate was not used. See that the terminal is waiting, then hold the phone to it again.")
	ErrTerminalAddress = problem.NewYourTurn(400, "terminal-address",
		"端末の読み取り口の場所が正しくありません。", "このパソコンの中の 127.0.0.1:ポート番号 を指定してください。",
		"This is not the address of a terminal's reader.", "Give 127.0.0.1:PORT of a reader on this machine.")
	ErrNFCOff = problem.NewYourTurn(409, "nfc-off-present",
		"NFC（かざす機能）がオフになっています。", "スマホの設定でNFCをオンにして、もう一度端末にかざしてください。",
		"NFC is switched off.", "Switch NFC on in the phone's settings and hold the phone to the terminal again.")
)

// Handed is a request that a terminal handed over.
type Handed struct {
	At   time.Time
	Link string // of the request
	Ask  string // its id, once it was fetched and can be shown
	Err  error  // why it was not; nil while it is being fetched
}

// Over tells whether it was fetched, or will not be.
func (h Handed) Over() bool { return h.Ask != "" || h.Err != nil }

// presence is a phone's side of being held to terminals: where it is held, and what was
// handed over there last.
type presence struct {
	mu     sync.Mutex // guards the fields below
	held   *reader.Held
	take   func(link string) uint16 // what a link is given to; nil while the phone is held nowhere
	carry  func(link string) []byte // the answer to it that waits; as take
	handed *Handed
	work   sync.WaitGroup // fetches under way
}

// receive is what the element's wallet gives each address to, during the tap.
func (s *presence) receive(link string) uint16 {
	s.mu.Lock()
	take := s.take
	s.mu.Unlock()
	if take == nil {
		return apdu.SWConditions
	}
	return take(link)
}

// carried is what the element's wallet asks for the answer to a request, during the tap.
func (s *presence) carried(link string) []byte {
	s.mu.Lock()
	carry := s.carry
	s.mu.Unlock()
	if carry == nil {
		return nil
	}
	return carry(link)
}

// Present holds the phone to the terminal whose slot is at addr, "127.0.0.1:PORT", until
// TakeAway, until the terminal lets go, or until the phone is switched off. Held elsewhere,
// it is taken away from there first. What the terminal hands over is fetched and waits for
// the person as anything that was scanned, and only so a request by tap is shown: Handed
// tells. Errors: ErrPowerOff, ErrNFCOff,
// ErrTerminalAddress, ErrNoTerminal.
func (p *Phone) Present(ctx context.Context, addr string) error {
	if err := p.presentable(ctx); err != nil {
		return err
	}
	if reader.OnThisMachine(addr) != nil {
		return ErrTerminalAddress
	}
	if err := p.holdTo(ctx, addr); err != nil {
		return err
	}
	err := p.presentable(ctx) // switched off meanwhile
	if err != nil {
		p.TakeAway()
	}
	return err
}

// presentable refuses what a phone that is off, or without NFC, cannot do.
func (p *Phone) presentable(ctx context.Context) error {
	r, err := p.powered(ctx)
	if err == nil && !r.NFC {
		err = ErrNFCOff
	}
	return err
}

func (p *Phone) holdTo(ctx context.Context, addr string) error {
	s := p.presence
	p.TakeAway()
	s.mu.Lock() // until the slot was reached: what it says meanwhile waits
	defer s.mu.Unlock()
	if s.held != nil { // somebody else was faster
		return ErrNoTerminal
	}
	var own *reader.Held
	own, err := reader.Hold(ctx, addr, p.element.Card(), func(broke error) {
		if broke != nil {
			p.phones.c.Log.Info("a tap ended", "phone", p.id, "error", broke)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held == own {
			s.held, s.take, s.carry = nil, nil, nil
		}
	})
	if err != nil {
		return ErrNoTerminal.Because(err)
	}
	s.held, s.take, s.carry, s.handed = own, p.taken, p.carried, nil
	return nil
}

// TakeAway takes the phone away from the terminal that it is held to, and says whether it
// was held to any.
func (p *Phone) TakeAway() bool {
	s := p.presence
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held == nil {
		return false
	}
	held.Release()
	return true
}

// PresentedAt is the address of the slot that the phone is held to; "" when to none.
func (p *Phone) PresentedAt() string {
	s := p.presence
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		return ""
	}
	return s.held.Addr()
}

// Handed is what was handed over since the phone was last held to a terminal; false when
// nothing was.
func (p *Phone) Handed() (Handed, bool) {
	s := p.presence
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handed == nil {
		return Handed{}, false
	}
	return *s.handed, true
}

// taken takes a link from a terminal, or says by the status word why not: 6A80, it leads
// nowhere; 6985, the phone has nothing to answer with, no network, or another request in
// hand. Its fetch goes on after the tap.
func (p *Phone) taken(link string) uint16 {
	if _, err := ceremony.Origin(link); err != nil {
		return apdu.SWWrongData
	}
	ctx := context.Background() // the tap's end is not the request's
	if _, err := p.connected(ctx); err != nil || !p.element.HasKeys() {
		return apdu.SWConditions
	}
	s := p.presence
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handed != nil && !s.handed.Over() {
		return apdu.SWConditions
	}
	h := &Handed{At: p.now(), Link: link}
	s.handed = h
	s.work.Go(func() { p.fetchHanded(ctx, h) })
	return apdu.SWOK
}

// carried is the signed answer to a request that a terminal handed over, for that terminal to
// post: only while the phone has no network, only to who names the request, and not after the
// person took it back. It is sealed
// to the verifier. The answer stays here too: with a network it is sent again, and told what
// came of it.
func (p *Phone) carried(link string) []byte {
	ctx := context.Background() // the tap's end is not the store's
	if _, err := p.connected(ctx); !errors.Is(err, ErrNoNetwork) {
		return nil
	}
	asks, err := p.store().Asks(ctx, p.id)
	if err != nil {
		return nil
	}
	for _, a := range asks {
		if a.Link != link || !a.Tapped || a.Sealed == "" || a.Withdrawn != "" || !p.now().Before(a.Until) {
			continue
		}
		given, err := json.Marshal(ceremony.Carried{Phone: ceremony.Bearer(sha256.Sum256([]byte(a.Fetcher)), a.Sealed), Posted: ceremony.Posted{Answer: a.Sealed, Signed: a.Signed}})
		if err != nil || len(given) > apdu.MaxCarried {
			return nil
		}
		p.phones.c.Trace.Note(ctx, trace.Event{At: p.now(), From: "phone", To: "reader", Kind: "answer", Detail: map[string]string{"phone": p.id, "bytes": fmt.Sprint(len(given))},
			TitleJA: "通信できないスマホが、封をした回答を端末に渡しました", TitleEN: "The phone without a network handed its sealed answer to the terminal"})
		return given
	}
	return nil
}

// touched keeps that a terminal gave this phone the link, before anything is fetched: what
// cannot be checked now is fetched again later, by the link alone.
func (p *Phone) touched(ctx context.Context, link string) error {
	uri, err := requestURI(link)
	if err != nil {
		return err
	}
	p.work.Lock()
	defer p.work.Unlock()
	a, err := p.begun(ctx, uri)
	if err != nil || a.Tapped {
		return err
	}
	a.Tapped = true
	if err := p.store().PutAsk(ctx, a); err != nil {
		return fmt.Errorf("phone: request: %w", err)
	}
	return nil
}

// fetchHanded fetches a request as if its link had been scanned. h is read by others under
// the presence's lock.
func (p *Phone) fetchHanded(ctx context.Context, h *Handed) {
	p.phones.c.Trace.Note(ctx, trace.Event{At: p.now(), From: "reader", To: "phone", Kind: "request", Detail: map[string]string{"phone": p.id},
		TitleJA: "端末が、かざされたスマホに依頼の場所を渡しました", TitleEN: "The terminal handed the phone the address of a request"})
	var asked Ask
	err := p.touched(ctx, h.Link)
	if err == nil {
		asked, err = p.Fetch(ctx, h.Link)
	}
	s := p.presence
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Ask, h.Err = asked.ID, err
	if err != nil {
		p.phones.c.Log.InfoContext(ctx, "a request that was handed over is not shown", "phone", p.id, "code", problem.From(err).Code)
	}
}
