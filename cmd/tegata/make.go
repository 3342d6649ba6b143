package main

import (
	"context"
	"slices"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/ui"
	"tegata/sandbox"
	"tegata/services/street"
)

// The steps of making a neighbourhood, in the order in which a newcomer needs
// them.
const (
	stepAuthorities = iota
	stepOldest
	stepFirst
	stepRegistered
	stepOthers
)

// make builds every role and, the first time, everybody in it. It is taken up
// again where it stopped: each call it makes goes under an id of the sandbox's.
// follow starts whatever follows others (see follow).
func (n *neighbourhood) make(ctx context.Context, follow func()) error {
	_, people, err := sandbox.People()
	if err != nil {
		return err
	}
	oldest, first, registered, others := inOrder(people)
	n.progress.plan(
		street.Step{Name: ui.Text{JA: "認証局の鍵をつくる", EN: "Keys of the authorities"}},
		street.Step{Name: ui.Text{JA: "昔からある住民とカード", EN: "Residents and cards of years ago"}, Of: len(oldest)},
		street.Step{Name: ui.Text{JA: "最初のカードとスマホ", EN: "The first card and phone"}, Of: len(first)},
		street.Step{Name: ui.Text{JA: "登録済みのスマホ", EN: "A phone that is registered"}, Of: len(registered)},
		street.Step{Name: ui.Text{JA: "ほかの住民とカード", EN: "All other residents and cards"}, Of: len(others)},
	)
	n.progress.begin(stepAuthorities)
	if err := n.buildVouchers(ctx); err != nil {
		return err
	}
	n.progress.begin(stepOldest)
	if err := n.makeOldest(ctx, oldest); err != nil {
		return err
	}
	if err := n.buildRest(ctx); err != nil {
		return err
	}
	follow()
	if err := n.verifier.wait(ctx); err != nil {
		return err
	}
	if n.settings.Made {
		n.progress.done()
		return n.fillRoster(ctx)
	}
	for _, stage := range []struct {
		step   int
		people []sandbox.Person
	}{{stepFirst, first}, {stepRegistered, registered}, {stepOthers, others}} {
		n.progress.begin(stage.step)
		for _, p := range stage.people {
			if err := n.makePerson(ctx, p); err != nil {
				return err
			}
			n.progress.count(stage.step)
		}
		if stage.step == stepFirst {
			n.progress.usable()
		}
	}
	if err := n.fillRoster(ctx); err != nil {
		return err
	}
	n.settings.Made = true
	if err := n.settings.save(n.dir); err != nil {
		return err
	}
	n.progress.done()
	return nil
}

// inOrder sorts the people by when they are needed.
func inOrder(people []sandbox.Person) (oldest, first, registered, others []sandbox.Person) {
	for _, p := range people {
		switch {
		case p.CardMadeYearsAgo > 0:
			oldest = append(oldest, p)
		case p.First:
			first = append(first, p)
		case p.RegisteredPhone:
			registered = append(registered, p)
		default:
			others = append(others, p)
		}
	}
	slices.SortStableFunc(oldest, func(a, b sandbox.Person) int { return b.CardMadeYearsAgo - a.CardMadeYearsAgo })
	return oldest, first, registered, others
}

// buildVouchers opens the issuer, the rack of cards, the register and the phones: who
// must be there for a card to be made and a phone registered.
func (n *neighbourhood) buildVouchers(ctx context.Context) (err error) {
	if err := n.openFactory(ctx); err != nil {
		return err
	}
	if n.issuer, err = n.openIssuer(ctx, n.site(), n.settings.sandboxRules(n.maker.Root)); err != nil {
		return err
	}
	n.closers = append(n.closers, n.issuer)
	n.addWork(n.issuer.ra)
	n.open("issuer", n.issuer.guard(n.settings.names("issuer"), n.issuer.sandboxRoutes(n.token)))

	if n.cards, err = n.openCards(n.dir, n.secrets, n.clock, n.sink()); err != nil {
		return err
	}
	n.closers = append(n.closers, n.cards)
	n.open("cards", n.guarded(n.settings, "cards", n.cards.metrics, n.cards.routes(n.token)))

	if n.municipality, err = n.openMunicipality(ctx, n.site(), n.token); err != nil {
		return err
	}
	n.closers = append(n.closers, n.municipality)
	n.open("municipality", n.settings.ownName("municipality", n.municipality.handler.Routes()))

	if n.phones, err = n.openPhones(ctx, n.site(), n.maker); err != nil {
		return err
	}
	n.closers = append(n.closers, n.phones)
	n.open("phone", n.settings.ownName("phone", n.phones.routes(n.settings, n.token)))
	return nil
}

// makeOldest makes those whose cards are years old, walking the clock forward from
// one to the next and then to the present.
func (n *neighbourhood) makeOldest(ctx context.Context, oldest []sandbox.Person) error {
	for _, p := range oldest {
		made := time.Now().AddDate(-p.CardMadeYearsAgo, 0, 0)
		if err := n.walkTo(ctx, made); err != nil {
			return err
		}
		if n.settings.Made {
			continue
		}
		if err := n.makePerson(ctx, p); err != nil {
			return err
		}
		if err := n.makeAnsweringOf(ctx, p.CardMadeYearsAgo); err != nil {
			return err
		}
		n.progress.count(stepOldest)
	}
	if err := n.walkTo(ctx, time.Now()); err != nil {
		return err
	}
	return n.renewAuthorities(ctx)
}

// cardYears is how long certificates of a card may last: to the fifth birthday.
const cardYears = 5

// renewAuthorities begins a new generation of each authority that would end before
// what it issues today, as an operator does every few years. What the older
// generation issued stays valid under it.
func (n *neighbourhood) renewAuthorities(ctx context.Context) error {
	for _, kind := range pki.Kinds() {
		if kind == pki.Ops || n.issuer.ca.Authority(kind).NotAfter.After(n.clock.Now().AddDate(cardYears, 0, 1)) {
			continue
		}
		if _, err := n.issuer.ca.Rekey(ctx, sandboxOperator, kind); err != nil {
			return err
		}
	}
	return nil
}

// walkTo moves a clock that is still in the past forward to a moment, and renews
// what ran out on the way. A clock that is there already stays.
func (n *neighbourhood) walkTo(ctx context.Context, to time.Time) error {
	offset := min(time.Until(to), 0)
	if n.clock.Offset() >= offset {
		return nil
	}
	if err := n.clock.AdvanceThrough(ctx, offset-n.clock.Offset(), n.works()...); err != nil {
		return err
	}
	if err := n.municipality.build(ctx, n.site(), n.token); err != nil {
		return err
	}
	n.open("municipality", n.settings.ownName("municipality", n.municipality.handler.Routes()))
	return nil
}

// makePerson has a resident registered and given a card, and where the data say
// so a phone.
func (n *neighbourhood) makePerson(ctx context.Context, p sandbox.Person) error {
	maker := sandbox.Maker{Municipality: n.settings.machine("municipality"), Token: n.token, Client: httpd.Client(60 * time.Second)}
	if err := maker.Person(ctx, p); err != nil {
		return err
	}
	return n.makePhone(ctx, p)
}
