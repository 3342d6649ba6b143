package pages

import (
	"net/http"

	"tegata/holder/phone"
)

// A walk is a procedure of several screens, one after the other.
type walk struct {
	At string // where its screens are, below the phone's path
	Of int    // how many of its screens ask for something
}

var (
	enrolling  = walk{"/enrol", 6}
	reissuing  = walk{"/reissue", 4} // a new signature certificate (署名用電子証明書の再発行)
	forgetting = walk{"/forgot", 4}  // another one because the password is forgotten (署名用パスワードを忘れた)
	finding    = walk{"/found", 2}
	reporting  = walk{"/lost/card", 2}      // whoever's phone was lost
	revoking   = walk{"/hand-over/card", 2} // whoever's phone is off, or gone: for good
	loosening  = walk{"/loosen/card", 2}
	contacting = walk{"/address/card", 2} // notices shall go to another address (お知らせの送り先)
	keeping    = walk{"/address/keep", 2} // and not, after all
)

// mountApplication is the screens from the card's password to its reading: those of
// every application, whatever is applied for.
func mountApplication(on func(string, func(*visit)), k walk) {
	step := func(method, path string, screen func(*visit, walk)) {
		on(method+" /p/{id}"+k.At+path, func(v *visit) { screen(v, k) })
	}
	step(http.MethodGet, "/card-password", (*visit).cardPassword)
	step(http.MethodPost, "/card-password", (*visit).setCardPassword)
	step(http.MethodGet, "/terms", (*visit).terms)
	step(http.MethodPost, "/terms", (*visit).agree)
	step(http.MethodGet, "/tap", (*visit).tapCard)
	step(http.MethodPost, "/apply", (*visit).apply)
}

// begun tells whether the application of k was made already, or cannot be made, and
// sends the person to the step that is really next.
func (v *visit) begun(k walk) bool {
	if k == reissuing || k == forgetting {
		return v.earlyReissue(k, phone.StageRegistered)
	}
	return v.early(phone.StageNone)
}
