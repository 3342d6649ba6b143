package pages

import (
	"slices"

	"tegata/holder/phone"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

// Giving the phone up (スマホを手放す・機種変更), one question a screen:
//
//	どうするためですか → 何が起こるか → 失効させて消す → 失効証明
//
// and what is different for a repair, for a new phone, and without a line.

// The reasons to give a phone up. Stopping (利用停止) is one of them: the act is the same.
const (
	whyStop    = "stop"
	whyGive    = "give"    // 売る・譲る・下取り
	whyDispose = "dispose" // 捨てる
	whyRepair  = "repair"  // 修理
	whyChange  = "change"  // 機種変更
)

// handOver asks why.
func (v *visit) handOver() {
	v.show(ui.Screen{Page: "handover", Data: v.page(), Quiet: true})
}

type giveUpPage struct {
	basePage
	Why     string
	Suspend string // where anybody stops a lost phone; "" when there is no such page
	Wrong   string
	Copies  int // of signed documents, which no revocation erases
}

// Back is the screen before.
func (p giveUpPage) Back() string {
	if p.Why == whyStop {
		return "/certificates"
	}
	return "/hand-over"
}

// At is where the form is sent.
func (p giveUpPage) At() string {
	if p.Why == whyStop {
		return "/stop"
	}
	return "/hand-over/" + p.Why
}

func (v *visit) giveUpPage(why string) giveUpPage {
	p := giveUpPage{basePage: v.page(), Why: why, Suspend: v.h.opt.Suspend}
	if kept, _, err := v.phone.SignedDocuments(v.r.Context()); err != nil {
		v.log(err) // giving up must not wait for it
	} else {
		p.Copies = len(kept)
	}
	if key := v.said().wrong["sure"]; key != "" {
		p.Wrong = v.say(key)
	}
	return p
}

// why is the reason in the address; "" when it is none.
func (v *visit) why() string {
	if why := v.r.PathValue("why"); slices.Contains([]string{whyGive, whyDispose, whyRepair, whyChange}, why) {
		return why
	}
	return ""
}

// giveUp says what will happen, for the reason in the address.
func (v *visit) giveUp() {
	switch why := v.why(); why {
	case "":
		v.goTo("/hand-over")
	case whyRepair, whyChange:
		v.show(ui.Screen{Page: why, Data: v.giveUpPage(why), Quiet: true})
	default:
		v.sayWhat(why)
	}
}

func (v *visit) doGiveUp() {
	why := v.why()
	if why == "" {
		v.goTo("/hand-over")
		return
	}
	v.revoke(why)
}

func (v *visit) stop()   { v.sayWhat(whyStop) }
func (v *visit) doStop() { v.revoke(whyStop) }

// sayWhat says what will happen and asks whether that is meant.
func (v *visit) sayWhat(why string) {
	if len(v.look.Certificates) == 0 && (v.look.Receipt != nil || !v.look.Untold.IsZero()) {
		v.goTo("/stopped")
		return
	}
	p := v.giveUpPage(why)
	v.show(ui.Screen{Page: "stop", Data: p, Quiet: true, Bad: p.Wrong != ""})
}

// revoke has the authority revoke, and wipes. Without a line the person is told what
// that means, and asked what now.
func (v *visit) revoke(why string) {
	p := giveUpPage{Why: why}
	if v.r.PostFormValue("sure") != "yes" {
		v.tell(left{path: p.At(), wrong: map[string]string{"sure": "stop.wrong"}})
		return
	}
	_, err := v.phone.Stop(v.r.Context())
	switch {
	case err == nil:
		v.goTo("/stopped")
	case problem.From(err).Kind == problem.CouldNotCheck && len(v.look.Certificates) > 0:
		v.log(err)
		v.tell(left{path: "/hand-over/force", trouble: ui.TroubleOf(v.w, words(err))})
	default:
		v.fail(err, v.again(p.At()))
	}
}

// force is where a phone that cannot reach the authority is wiped all the same.
func (v *visit) force() {
	if len(v.look.Certificates) == 0 {
		v.goTo("/stopped")
		return
	}
	p := v.giveUpPage(whyGive)
	p.Trouble = v.said().trouble
	v.show(ui.Screen{Page: "force", Data: p, Quiet: true, Bad: p.Wrong != ""})
}

func (v *visit) doForce() {
	if v.r.PostFormValue("sure") != "yes" {
		v.tell(left{path: "/hand-over/force", wrong: map[string]string{"sure": "force.wrong"}})
		return
	}
	if err := v.phone.ForceStop(v.r.Context()); err != nil {
		v.fail(err, v.again("/hand-over/force"))
		return
	}
	v.goTo("/stopped")
}

type stoppedPage struct {
	basePage
	Receipt *phone.Receipt // nil: the authority was not told yet
	Suspend string
}

// stopped shows the receipt for as long as nothing new was registered; before there is
// one, it says that nothing is revoked yet.
func (v *visit) stopped() {
	untold := !v.look.Untold.IsZero()
	if !untold && v.look.Receipt == nil || v.look.Stage == phone.StageRegistered {
		v.goTo("/")
		return
	}
	p := stoppedPage{basePage: v.page(), Receipt: v.look.Receipt, Suspend: v.h.opt.Suspend}
	if untold {
		p.Receipt = nil
	}
	p.Trouble = v.said().trouble
	v.show(ui.Screen{Page: "stopped", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

// deliver tells the authority now.
func (v *visit) deliver() {
	if err := v.phone.Deliver(v.r.Context()); err != nil {
		v.log(err)
		v.tell(left{path: "/stopped", trouble: ui.TroubleOf(v.w, words(err))})
		return
	}
	v.goTo("/stopped")
}

// revokePage is where the phone of whoever's card is held to this one is revoked, for
// good: it may be switched off, broken or sold already.
type revokePage struct {
	walkPage
	Sure string // what is wrong with not being sure
}

func (v *visit) revokeCard() {
	p := revokePage{walkPage: walkPage{v.cardPage(), revoking}}
	if key := v.said().wrong["sure"]; key != "" {
		p.Sure = v.say(key)
	}
	v.show(ui.Screen{Page: "revokecard", Data: p, Quiet: true, Bad: p.bad() || p.Sure != ""})
}

// cardRevoked shows the receipt of that other phone.
func (v *visit) cardRevoked() {
	var receipt *phone.Receipt
	v.draft.change(func(d *draft) { receipt = d.receipt })
	if receipt == nil {
		v.goTo("/")
		return
	}
	v.show(ui.Screen{Page: "cardrevoked", Data: stoppedPage{basePage: v.page(), Receipt: receipt}, Quiet: true})
}
