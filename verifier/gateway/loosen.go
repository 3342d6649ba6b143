package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/cardword"
	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// What a card's word about rules can fail on.
var (
	ErrRulesWord = problem.NewRefused(403, "rules-word",
		"カードからの届け出が正しくありません。", "何も変わっていません。スマホの「制限をゆるめる」で、もう一度カードをかざしてください。",
		"The card's word is not right.", "Nothing has changed. Hold the card to the phone again, under \"Loosen limits\".")
	ErrRulesWordTime = problem.NewYourTurn(400, "rules-word-time",
		"カードからの届け出の時刻が今と合いません。", "何も変わっていません。スマホの日付と時刻を自動設定にして、もう一度カードをかざしてください。",
		"The time of the card's word is not now.", "Nothing has changed. Set date and time to automatic and hold the card to the phone again.")
	ErrRulesCard = problem.NewRefused(403, "rules-card",
		"このカードの電子証明書は、いま使えません。", "何も変わっていません。有効なカードをかざすか、市区町村の窓口にお尋ねください。",
		"This card's certificate is not good.", "Nothing has changed. Hold a card that is good, or ask the municipality's desk.")
	ErrRulesOtherCard = problem.NewRefused(403, "rules-other-card",
		"制限を決めた人のカードではありません。", "何も変わっていません。決めた人のカードをかざしてください。",
		"This is not the card of the person whose limits these are.", "Nothing has changed. Hold that person's card.")
)

// Loosen makes rules hold that the holder's card, unlocked by its PIN, has signed: those
// of a proposal, or none at all. It is the one way by which anything is allowed again.
// The person is whoever the card's certificate belongs to, as the issuer links it, and
// never who sends this. source is where it came from, for the rate counter.
func (g *Gateway) Loosen(ctx context.Context, source string, body ceremony.Loosening, at time.Time) (ceremony.Loosened, error) {
	if !g.failed.Open(source) {
		return ceremony.Loosened{}, ErrTooMany
	}
	done, err := g.loosen(ctx, body, at)
	if p, ok := errors.AsType[*problem.Problem](err); ok && p.Kind != problem.CouldNotCheck {
		g.failed.Count(source)
	}
	return done, err
}

func (g *Gateway) loosen(ctx context.Context, body ceremony.Loosening, at time.Time) (ceremony.Loosened, error) {
	word, signed, err := cardword.Parse(body.Word, cardword.LowerRules, at)
	switch {
	case errors.Is(err, cardword.ErrTime):
		return ceremony.Loosened{}, ErrRulesWordTime.Because(err)
	case err != nil:
		return ceremony.Loosened{}, ErrRulesWord.Because(err)
	case word.Verifier != g.c.ID:
		return ceremony.Loosened{}, ErrRulesWord.Because(ceremony.ErrAudience)
	}
	person, err := g.speaker(ctx, signed, at)
	if err != nil {
		return ceremony.Loosened{}, err
	}
	change := RulesChange{ID: "word " + word.Nonce, Person: person, By: ceremony.RulesByCard, Nonce: word.Nonce,
		NonceEnd: at.Add(cardword.MaxAge + cardword.MaxAhead), Proposal: body.Proposal, At: at}
	said := ceremony.Rules{} // none at all, whatever holds
	if body.Proposal != "" {
		p, err := g.proposal(ctx, body.Proposal, at)
		if err != nil {
			return ceremony.Loosened{}, err
		}
		if p.Person != person {
			return ceremony.Loosened{}, ErrRulesOtherCard
		}
		said = p.Rules
	}
	if word.RulesSHA256 != said.Hash() {
		return ceremony.Loosened{}, ErrRulesWord.Because(errors.New("gateway: the word is about other rules"))
	}
	held, err := g.c.Store.Rules(ctx, person)
	if err != nil {
		return ceremony.Loosened{}, fmt.Errorf("gateway: rules: %w", err)
	}
	if change.Rules = said; said.Version == 0 {
		change.Rules.Version = held.Version + 1
	}
	// What holds may change until it is written: then PutRules refuses, and tells nothing.
	if len(held.Differences(said)) > 0 {
		change.Tell = g.tells(tellOf(said))
	}
	err = g.c.Store.PutRules(ctx, audit.Actor{Party: "card", Kind: "person", ID: person}, change)
	if err := rulesProblem(err); err != nil {
		return ceremony.Loosened{}, err
	}
	g.traceRules(ctx, at, "card", "カードで、利用の制限をゆるめました", "With the card, a holder's limits were loosened")
	return ceremony.Loosened{Version: change.Rules.Version, At: at.Unix()}, nil
}

// speaker validates the card's certificate and its status, as any certificate's, and
// finds whose it is.
func (g *Gateway) speaker(ctx context.Context, signed *cms.Signed, at time.Time) (string, error) {
	path, err := certpath.Validate(signed.Certificate, nil, anchors(g.c.Anchors, pki.CardAuth), certpath.For(g.c.Arc, pki.CardAuth), at)
	if err != nil {
		return "", ErrRulesCard.Because(err)
	}
	s, err := g.c.Status.Status(ctx, path[0], path[1], at)
	if err != nil {
		return "", ErrStatusUnavailable.Because(err)
	}
	switch s.State {
	case certpath.Good:
		return g.personOf(ctx, signed.Certificate, at)
	case certpath.Unknown:
		return "", ErrStatusUnknown
	}
	return "", ErrRulesCard.With("state", string(s.State))
}
