package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"tegata/internal/problem"
)

// Accounts are opened to be sold, and people are pressed to open many in a few days. So a
// person may sign only so many applications of purposes that a registration marks as opening
// an account, over all parties together. It is counted without any: under a keyed hash of
// the person, with the moment and nothing else, and each row goes when it counts no more.
const (
	OpeningsWithin = 7 * 24 * time.Hour
	MaxOpenings    = 3 // in that time
)

var (
	// ErrManyOpenings is what the phone is told, and the holder's history.
	ErrManyOpenings = problem.NewRefused(403, "many-account-openings",
		"7日のあいだに署名できる口座や回線などの申し込みの数を、こえます。",
		"何も渡していません。売買のための口座を開かせる手口から守るため、すべての事業者を合わせて7日に3件までです。前の申し込みから7日たつと署名できます。だれかに頼まれて申し込んでいるときは、応じずに、警察（#9110）か窓口に相談してください。",
		"This is more applications for accounts or lines than you can sign within 7 days.",
		"Nothing was given. To keep people from being made to open accounts for others, 3 in 7 days can be signed, at all parties together. It works again 7 days after an earlier one. If somebody asks you to apply, do not: talk to the police or the help desk.")
	// ErrNotNow is all that a party hears of that: how many accounts a person opened
	// elsewhere is no party's to know.
	ErrNotNow = problem.NewRefused(403, "not-now",
		"いまは、この申し込みに署名できません。", "何も渡していません。理由は、本人のスマートフォンの画面に出ています。",
		"This cannot be signed for now.", "Nothing was given. The holder's phone tells why.")
)

// Opening is how a signature that opens an account is counted.
type Opening struct {
	Person [32]byte  // keyed hash of the person
	Until  time.Time // it counts until then, and is erased
	Most   int       // that count at once, this one included
}

// opening is that of a passed answer; nil when it opens nothing.
func (g *Gateway) opening(a *attempt) *Opening {
	if !a.bound.opens {
		return nil
	}
	h := hmac.New(sha256.New, g.c.SubKey)
	h.Write([]byte("\x01account openings\x00")) // no sector is called so: see sub
	h.Write([]byte(a.person))
	return &Opening{Person: [32]byte(h.Sum(nil)), Until: a.at.Add(OpeningsWithin), Most: MaxOpenings}
}
