package pages

import (
	"tegata/holder/phone"
	"tegata/internal/ui"
)

// A new signature certificate for a registered phone whose old one ended alone: the
// phone was lost and found, or its holder moved or changed names.
//
// And for one whose old one is good, but whose password is forgotten: k tells which.
//
//	署名用パスワード(カード) → 利用規約 → かざす → 6〜16文字(スマホ) → 完了

// earlyReissue is early for the re-issue: want is StageRegistered before the card has
// signed, StageReissue after.
func (v *visit) earlyReissue(k walk, want phone.Stage) bool {
	switch {
	case want == phone.StageReissue && v.look.Stage == want && !v.look.Signed:
		return false
	case want == phone.StageRegistered && v.look.SignEnded && !v.look.Signed && k == reissuing:
		return false
	case want == phone.StageRegistered && v.look.Stage == want && !v.look.SignEnded && !v.look.Signed && k == forgetting:
		return false
	case v.look.Signed:
		v.goTo("/enrol") // where what was signed is sent on, or dropped
	case v.look.Stage == phone.StageReissue:
		v.goTo("/reissue/password")
	case v.look.SignEnded:
		v.goTo("/reissue/card-password")
	default:
		v.goTo("/certificate")
	}
	return true
}

func (v *visit) reissuePassword() {
	if v.earlyReissue(reissuing, phone.StageReissue) {
		return
	}
	p := walkPage{v.secretPage(), reissuing}
	v.show(ui.Screen{Page: "password", Data: p, Quiet: true, Bad: p.bad()})
}

func (v *visit) setReissuePassword() {
	if v.earlyReissue(reissuing, phone.StageReissue) {
		return
	}
	password, err := phone.TwicePassword(v.r.PostFormValue("password"), v.r.PostFormValue("again"))
	if err == nil {
		err = v.phone.MakeSignKey(v.r.Context(), password, v.draft.entered().card)
	}
	if err == nil {
		v.draft.forget()
		v.goTo("/?done=reissued")
		return
	}
	if e := v.see(); e == nil && v.look.Stage != phone.StageReissue {
		v.fail(err, v.again("/certificate")) // the application has ended: nothing is asked here any more
		return
	}
	v.notTaken("/reissue/password", err)
}
