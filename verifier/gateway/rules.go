package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
)

// What a holder's own rules refuse. Each is told to the phone, and to the holder in the
// history; the asking party hears ErrHolderRules and no more.
var (
	ErrLocked = problem.NewRefused(403, "function-locked",
		"あなたが止めている種類の利用です。", "何も渡していません。使うときは、このスマホの「制限をゆるめる」とカードで止めるのをやめてください。身に覚えがなければ、応じないでください。",
		"You have locked uses of this kind.", "Nothing was given. To use it, end the lock on this phone under \"Loosen limits\", with your card. If this is not yours, do not answer it.")
	ErrQuiet = problem.NewRefused(403, "quiet-hours",
		"あなたが決めた「使わない時間」です。", "何も渡していません。時間が過ぎてからやり直すか、このスマホの「制限をゆるめる」とカードで時間を変えてください。",
		"These are your quiet hours.", "Nothing was given. Try again later, or change the hours on this phone under \"Loosen limits\", with your card.")
	ErrQuietPIN = problem.NewRefused(403, "quiet-hours-pin",
		"いまの時間は、暗証番号だけで使えます。", "何も渡していません。もとの画面からやり直して、画面ロック（指紋・顔など）ではなく暗証番号を使ってください。",
		"At this hour only the PIN will do.", "Nothing was given. Begin again on the screen that asked, and use the PIN, not the screen lock (finger, face).")
	ErrRaised = problem.NewRefused(403, "risk-raised",
		"この種類の利用には、より確かな確認をすると、あなたが決めています。", "何も渡していません。もとの画面からやり直してください。次は、決めたとおりの暗証番号かパスワードをお聞きします。",
		"You have asked for a surer proof for uses of this kind.", "Nothing was given. Begin again on the screen that asked: the phone will ask for the PIN or password that you chose.")
	ErrDailyLimit = problem.NewRefused(403, "daily-limit",
		"あなたが決めた、1日に使う回数をこえます。", "何も渡していません。明日になれば使えます。今日のうちに使うときは、このスマホの「制限をゆるめる」とカードで回数を変えてください。",
		"This is more than the uses that you allow in a day.", "Nothing was given. It works again tomorrow. To use it today, change the number on this phone under \"Loosen limits\", with your card.")

	// ErrHolderRules is what a party hears of all of them: that a rule of the holder's own
	// stood in the way, and not which, since that would tell of the holder's life.
	ErrHolderRules = problem.NewRefused(403, "holder-rules",
		"本人が決めた制限により、使えません。", "何も渡していません。理由は、本人のスマートフォンの画面に出ています。",
		"The holder's own rules do not allow this.", "Nothing was given. The holder's phone tells why.")
)

// toldParty is the code that an asking party gets for one of ours.
func toldParty(code string) string {
	switch code {
	case ErrLocked.Code, ErrQuiet.Code, ErrQuietPIN.Code, ErrRaised.Code, ErrDailyLimit.Code:
		return ErrHolderRules.Code
	case ErrManyOpenings.Code:
		return ErrNotNow.Code
	}
	return code
}

// bound is what the holder's rules say about one answer.
type bound struct {
	rules    ceremony.Rules
	category ceremony.Category
	demand   ceremony.Demand
	opens    bool // an account, a line or the like: see openings.go
	desk     bool // a login where the holder keeps the rules: it cannot be locked out
	tries    int  // how often it was judged anew
}

// rulesAllow asks the holder's rules about an answer. A login at the party that keeps
// them for the holder is neither locked, limited nor refused at any hour: there the
// holder sees what happens, and suspends. What was raised holds there too.
func (g *Gateway) rulesAllow(ctx context.Context, a *attempt) error {
	rules, err := g.c.Store.Rules(ctx, a.person)
	if err != nil {
		return fmt.Errorf("gateway: rules: %w", err)
	}
	tries := a.bound.tries
	if a.bound, err = g.bindingOf(ctx, a.asked); err != nil {
		return err
	}
	a.bound.rules, a.bound.tries = rules, tries
	asker := a.asked.Issuer
	if a.asked.OnBehalfOf != "" {
		asker = a.asked.OnBehalfOf
	}
	a.bound.demand = rules.Demands(a.bound.category, asker, a.asked.Purpose.Code)
	quiet := rules.Quiet.Holds(a.at)
	switch {
	case rules.Locks(a.bound.category) && !a.bound.desk:
		return ErrLocked.With("category", string(a.bound.category))
	case quiet && rules.Quiet.Refuse && !a.bound.desk:
		return ErrQuiet.With("until", ceremony.Clock(rules.Quiet.To))
	case quiet && slices.Contains(a.claims.AMR, "user"):
		return ErrQuietPIN.With("until", ceremony.Clock(rules.Quiet.To))
	}
	return nil
}

// bindingOf finds the category of a request's purpose, as registered by who asks, or for
// whom it is asked.
func (g *Gateway) bindingOf(ctx context.Context, q ceremony.Request) (bound, error) {
	p, err := g.c.Store.Party(ctx, q.Issuer)
	if err != nil {
		return bound{}, fmt.Errorf("gateway: rules: %w", err)
	}
	b := bound{desk: q.Kind == ceremony.Login && q.OnBehalfOf == "" && slices.Contains(p.Grants, ceremony.ScopeRules)}
	if q.OnBehalfOf != "" {
		if p, err = g.c.Store.Party(ctx, q.OnBehalfOf); err != nil && !errors.Is(err, ErrNotFound) { // then it is private
			return bound{}, fmt.Errorf("gateway: rules: %w", err)
		}
	}
	b.category = ceremony.Private
	for _, purpose := range p.Purposes {
		if purpose.Code == q.Purpose.Code {
			b.category, b.opens = purpose.Category.Or(), purpose.OpensAccount
		}
	}
	return b, nil
}

// raisedMet compares how an answer was unlocked with what the holder demands.
func (a *attempt) raisedMet() error {
	by := a.claims.AMR
	password := slices.Contains(by, "pwd")
	switch a.bound.demand {
	case ceremony.DemandPassword:
		if !password {
			return ErrRaised.With("needs", string(ceremony.DemandPassword))
		}
	case ceremony.DemandPIN:
		if !password && !slices.Contains(by, "pin") {
			return ErrRaised.With("needs", string(ceremony.DemandPIN))
		}
	}
	return nil
}

// count is how a passed answer is counted. A login at the desk is not: it is no use of
// what the limits are about.
func (b bound) count(at time.Time) *Count {
	c := &Count{Rules: b.rules.Version}
	if !b.desk {
		c.Category, c.Limit, c.Total = b.category, b.rules.Limit(b.category), b.rules.Limit("")
		c.From, c.To = ceremony.DayOf(at)
	}
	return c
}
