package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/trace"
)

// How rules are kept: raised by the party to which the holder's login gave the grant,
// lowered by the holder's card alone (loosen.go).

// What can keep rules from being read or changed.
var (
	ErrRulesMalformed = problem.NewYourTurn(400, "rules-malformed",
		"制限の内容を読み取れません。", "何も変わっていません。種類・回数・時間を確かめてください。",
		"These rules cannot be read.", "Nothing has changed. Check kinds, numbers and hours.")
	ErrRulesNeedCard = problem.NewRefused(403, "rules-need-card",
		"ゆるめるには、マイナンバーカードが必要です。", "何も変わっていません。スマホの「制限をゆるめる」で、カードをかざしてください。",
		"To loosen a limit takes your card.", "Nothing has changed. Hold the card to the phone, under \"Loosen limits\".")
	ErrRulesMoved = problem.NewRefused(409, "rules-changed",
		"制限が、ほかの画面で先に変わっています。", "何も変わっていません。いまの制限を確かめて、もう一度選んでください。",
		"The limits were changed meanwhile.", "Nothing was changed now. Look at what holds, and choose again.")
	ErrNoProposal = problem.NewRefused(404, "rules-proposal-unknown",
		"この変更は見つかりません。", "何も変わっていません。ポータルの「使い方の制限」で、もう一度準備してください。",
		"There is no such change.", "Nothing has changed. Prepare it again in the portal, under \"Limits\".")
	ErrProposalOver = problem.NewRefused(410, "rules-proposal-over",
		"この変更は、もう使えません。", "済んだか、準備してから1日が過ぎました。いまの制限をポータルで確かめてください。",
		"This change can no longer be confirmed.", "It is done, or was prepared more than a day ago. Look in the portal at what holds.")
)

// proposalLife is how long a prepared change waits for the card.
const proposalLife = 24 * time.Hour

// rulesShown is how many changes GET /v1/rules lists.
const rulesShown = 20

func (g *Gateway) routesOfRules(mux httpd.Registrar) {
	mux.HandleFunc("GET /v1/rules", g.withRulesGrant(func(r *http.Request, _ http.ResponseWriter, k keeper) (any, error) {
		return g.RulesOf(r.Context(), k.grant.Subject)
	}))
	mux.HandleFunc("PUT /v1/rules", g.withRulesGrant(func(r *http.Request, w http.ResponseWriter, k keeper) (any, error) {
		var body ceremony.RulesChange
		if err := httpd.ReadJSON(w, r, &body); err != nil {
			return nil, err
		}
		return g.Raise(r.Context(), k, body)
	}))
	mux.HandleFunc("POST /v1/rules/proposals", g.withRulesGrant(func(r *http.Request, w http.ResponseWriter, k keeper) (any, error) {
		var body ceremony.RulesChange
		if err := httpd.ReadJSON(w, r, &body); err != nil {
			return nil, err
		}
		return g.Propose(r.Context(), k, body)
	}))
	mux.HandleFunc("GET /v1/rules/proposals/{id}", func(w http.ResponseWriter, r *http.Request) {
		p, err := g.Proposed(r.Context(), r.PathValue("id"), g.c.Now())
		answer(w, r, http.StatusOK, p, err)
	})
	mux.HandleFunc("POST /v1/rules/loosenings", func(w http.ResponseWriter, r *http.Request) {
		var body ceremony.Loosening
		if err := httpd.ReadJSON(w, r, &body); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		done, err := g.Loosen(r.Context(), httpd.Source(r), body, g.c.Now())
		answer(w, r, http.StatusOK, done, err)
	})
}

// keeper is a party that holds a person's grant for the rules.
type keeper struct {
	caller ceremony.Caller
	grant  ceremony.Grant
	at     time.Time
}

// withRulesGrant lets a party in that a person's login gave the rules into keeping.
func (g *Gateway) withRulesGrant(act func(*http.Request, http.ResponseWriter, keeper) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		k := keeper{at: g.c.Now()}
		var out any
		var err error
		if k.caller, err = g.Enter(r.Context(), r.Header.Get("Authorization"), k.at); err == nil {
			k.grant, err = g.granted(r.Header.Get(ceremony.GrantHeader), k.caller, ceremony.ScopeRules, k.at)
		}
		if err == nil {
			out, err = act(r, w, k)
		}
		answer(w, r, http.StatusOK, out, err)
	}
}

// RulesOf returns a person's rules and how they came to be.
func (g *Gateway) RulesOf(ctx context.Context, person string) (held ceremony.HeldRules, err error) {
	if held.Rules, err = g.c.Store.Rules(ctx, person); err == nil {
		held.Changes, err = g.c.Store.RulesChanges(ctx, person, rulesShown)
	}
	if err != nil {
		return held, fmt.Errorf("gateway: rules: %w", err)
	}
	return held, nil
}

// Raise makes stricter rules hold at once. ErrRulesNeedCard when anything in them is
// looser, ErrRulesMoved when they do not follow on what holds. The same change again
// does nothing.
func (g *Gateway) Raise(ctx context.Context, k keeper, c ceremony.RulesChange) (ceremony.HeldRules, error) {
	person := k.grant.Subject
	if !ceremony.ValidID(c.ID) || c.Rules.Check() != nil {
		return ceremony.HeldRules{}, ErrRulesMalformed
	}
	held, err := g.c.Store.Rules(ctx, person)
	if err != nil {
		return ceremony.HeldRules{}, fmt.Errorf("gateway: rules: %w", err)
	}
	switch {
	case held.Hash() == c.Rules.Hash(): // the same again, or as good as it
		return g.RulesOf(ctx, person)
	case held.Version != c.Rules.Version-1:
		return ceremony.HeldRules{}, ErrRulesMoved
	case held.Looser(c.Rules): // and PutRules takes the change on no other version than this
		return ceremony.HeldRules{}, ErrRulesNeedCard
	}
	who := audit.Actor{Party: k.caller.Party, Kind: "person", ID: person}
	change := RulesChange{ID: c.ID, Person: person, Rules: c.Rules, By: ceremony.RulesByParty, Party: k.caller.Party, At: k.at}
	if len(held.Differences(c.Rules)) > 0 {
		change.Tell = g.tells(TellRaised)
	}
	err = g.c.Store.PutRules(ctx, who, change)
	if err := rulesProblem(err); err != nil {
		return ceremony.HeldRules{}, err
	}
	g.traceRules(ctx, k.at, k.caller.Party, "利用の制限を強めました", "A holder's limits were raised")
	return g.RulesOf(ctx, person)
}

// Propose keeps rules that the holder's card shall confirm, for a day.
func (g *Gateway) Propose(ctx context.Context, k keeper, c ceremony.RulesChange) (ceremony.RulesPrepared, error) {
	if !ceremony.ValidID(c.ID) || c.Rules.Check() != nil || c.Rules.Version == 0 {
		return ceremony.RulesPrepared{}, ErrRulesMalformed
	}
	p := Proposal{ID: c.ID, Person: k.grant.Subject, Rules: c.Rules, At: k.at, Expires: k.at.Add(proposalLife)}
	err := g.c.Store.PutProposal(ctx, audit.Actor{Party: k.caller.Party, Kind: "person", ID: p.Person}, p)
	if err := rulesProblem(err); err != nil {
		return ceremony.RulesPrepared{}, err
	}
	return ceremony.RulesPrepared{URL: g.c.Origin + "/v1/rules/proposals/" + p.ID, ExpiresAt: p.Expires.Unix()}, nil
}

// Proposed shows a prepared change to whoever knows its number: the phone, which tells
// the person what it loosens. It names nobody.
func (g *Gateway) Proposed(ctx context.Context, id string, at time.Time) (ceremony.RulesProposal, error) {
	p, err := g.proposal(ctx, id, at)
	if err != nil {
		return ceremony.RulesProposal{}, err
	}
	held, err := g.c.Store.Rules(ctx, p.Person)
	if err != nil {
		return ceremony.RulesProposal{}, fmt.Errorf("gateway: rules: %w", err)
	}
	return ceremony.RulesProposal{ID: p.ID, Verifier: g.c.ID, From: held, To: p.Rules, Done: p.Done, ExpiresAt: p.Expires.Unix()}, nil
}

func (g *Gateway) proposal(ctx context.Context, id string, at time.Time) (Proposal, error) {
	if !ceremony.ValidID(id) {
		return Proposal{}, ErrNoProposal
	}
	p, err := g.c.Store.Proposal(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Proposal{}, ErrNoProposal
	case err != nil:
		return Proposal{}, fmt.Errorf("gateway: rules: %w", err)
	case !at.Before(p.Expires):
		return Proposal{}, ErrProposalOver
	}
	return p, nil
}

// rulesProblem turns what the store says of a change into a problem.
func rulesProblem(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRulesChanged), errors.Is(err, ErrUsed):
		return ErrRulesMoved.Because(err)
	}
	return fmt.Errorf("gateway: rules: %w", err)
}

func (g *Gateway) traceRules(ctx context.Context, at time.Time, from, ja, en string) {
	g.c.Trace.Note(ctx, trace.Event{At: at, From: from, To: g.c.ID, Kind: "rules", TitleJA: ja, TitleEN: en})
}
