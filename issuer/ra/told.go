package ra

import (
	"context"
	"errors"
	"time"
)

// ToldKind is what a verifier may have a person told, in the authority's own words: it
// knows no address, and no word of its own reaches a mail.
type ToldKind string

// What can be told: that limits which the verifier keeps for the person have changed.
const (
	ToldRaised   ToldKind = "limits-raised"   // from a login: less is allowed
	ToldLoosened ToldKind = "limits-loosened" // with the card: more is allowed
	ToldEnded    ToldKind = "limits-ended"    // with the card: everything is
)

// toldLasts is how long a message is known as one that was told. A verifier tries longer
// only where a person would hear of it a month late.
const toldLasts = 30 * 24 * time.Hour

// ToldByVerifier is the body of POST /v1/verifier/notices, and its answer. Idempotent by ID.
type ToldByVerifier struct {
	ID     string   `json:"id"`     // client-chosen, 1–64 characters [A-Za-z0-9_-]
	Person string   `json:"person"` // pairwise to the verifier: Linkage.Person
	Code   ToldKind `json:"code"`
}

// Tell puts a notice into a person's second channel for a verifier, once.
//
// Errors: ErrUnknownPerson, ErrBadRequest.
func (r *RA) Tell(ctx context.Context, verifier string, in ToldByVerifier) (ToldByVerifier, error) {
	at := r.at()
	if !identifier.MatchString(in.ID) {
		return ToldByVerifier{}, ErrBadRequest.With("field", "id")
	}
	kind, ok := map[ToldKind]NoticeKind{ToldRaised: NoticeLimitsRaised, ToldLoosened: NoticeLimitsLoosened, ToldEnded: NoticeLimitsEnded}[in.Code]
	if !ok {
		return ToldByVerifier{}, ErrBadRequest.With("field", "code")
	}
	err := r.store.Write(ctx, func(tx Tx) error {
		id, err := tx.PersonOfPairwise(ctx, verifier, in.Person)
		if errors.Is(err, ErrNotFound) {
			return ErrUnknownPerson
		}
		if err != nil {
			return err
		}
		fresh, err := tx.TakeAssertion(ctx, "told "+verifier, in.ID, at.Add(toldLasts), at)
		if err != nil || !fresh {
			return err
		}
		p, err := tx.Person(ctx, id)
		if err != nil || p.Died {
			return err
		}
		if err := r.notify(ctx, tx, at, p, notice{kind: kind}); err != nil {
			return err
		}
		return tx.Audit(ctx, at, verifierActor(verifier), "told", in.ID, map[string]string{"code": string(in.Code)})
	})
	if err != nil {
		return ToldByVerifier{}, err
	}
	return in, nil
}

// limitTexts are the words of a notice about a person's own limits. Which limit it is
// would tell of the person's life to whoever reads the mail.
func (n notice) limitTexts() (ja, en NoticeText) {
	const seeJA = "いまの制限は、ポータルの「使い方の制限」で確かめられます。" + notYouJA
	const seeEN = "The portal shows what holds now, under “Limits”. " + notYouEN
	switch n.kind {
	case NoticeLimitsLoosened:
		return NoticeText{"使い方の制限がゆるくなりました", "カードで確かめ、あなたが決めた制限をゆるめました。" + seeJA},
			NoticeText{"Your limits were loosened", "With your card, limits that you had set were loosened. " + seeEN}
	case NoticeLimitsEnded:
		return NoticeText{"使い方の制限がすべてなくなりました", "カードで確かめ、あなたが決めた制限をすべてなくしました。" + seeJA},
			NoticeText{"All your limits have ended", "With your card, all limits that you had set were ended. " + seeEN}
	}
	return NoticeText{"使い方の制限が加わりました", "あなたのログインで、使い方の制限が加わりました。" + seeJA},
		NoticeText{"Limits were added", "With your login, limits on uses were added. " + seeEN}
}
