package ra

import (
	"context"
	"fmt"
	"time"

	"tegata/internal/pki"
)

// NoticeKind says what a notice is about.
type NoticeKind string

// What the second channel tells.
const (
	NoticeApplied      NoticeKind = "applied"       // somebody applied with your card
	NoticeRegistered   NoticeKind = "registered"    // the receipt
	NoticeExpired      NoticeKind = "expired"       // an application ended before it was registered
	NoticeReplaced     NoticeKind = "replaced"      // an open application was replaced
	NoticeSuspended    NoticeKind = "suspended"     // by lock code
	NoticeSuspected    NoticeKind = "suspected"     // the element went back or was copied
	NoticeSilentSoon   NoticeKind = "silent-soon"   // 10 and 3 days before a silent hold
	NoticeSilent       NoticeKind = "silent"        // held: not seen, or not unlocked
	NoticeResumed      NoticeKind = "resumed"       // a silent hold was lifted by use
	NoticeFound        NoticeKind = "found"         // resumed with the card; the signature certificate ended
	NoticeReissued     NoticeKind = "reissued"      // a signature certificate was issued anew
	NoticeHeldStill    NoticeKind = "held-still"    // days 1, 14 and 27 of a hold
	NoticeRevoked      NoticeKind = "revoked"       // the phone's certificates ended
	NoticeSignEnded    NoticeKind = "sign-ended"    // signature certificates ended (moved, name changed)
	NoticeCardHeld     NoticeKind = "card-held"     // card reported lost
	NoticeCardResumed  NoticeKind = "card-resumed"  // card found
	NoticeCardRevoked  NoticeKind = "card-revoked"  // certificates of the card ended, and the phone's with them
	NoticeNewCard      NoticeKind = "new-card"      // a new card was made; the phone ends when it is activated
	NoticeEndsSoon     NoticeKind = "ends-soon"     // 90, 30 and 3 days before the phone's certificates expire
	NoticeElementMoved NoticeKind = "element-moved" // the element was reset, or registered by somebody else
	NoticeContact      NoticeKind = "contact"       // the second channel's address will change
	NoticeContactKept  NoticeKind = "contact-kept"  // it will not, after all
	NoticeContactNew   NoticeKind = "contact-new"   // to the new one: it has

	NoticeAnnounced     NoticeKind = "announced"      // what was reported for a day to come, or taken back
	NoticeEmigrated     NoticeKind = "emigrated"      // everything ended
	NoticeCardSign      NoticeKind = "card-sign"      // the card has a new signature certificate
	NoticeTrustInvited  NoticeKind = "trust-invited"  // an invitation for a trusted person was made
	NoticeTrustAccepted NoticeKind = "trust-accepted" // somebody accepted it; the holder is asked
	NoticeTrusted       NoticeKind = "trusted"        // somebody can stop the reader's phone from now on
	NoticeCharged       NoticeKind = "charged"        // the reader can stop somebody's phone from now on
	NoticeTrustEnded    NoticeKind = "trust-ended"    // no longer

	NoticeLimitsRaised   NoticeKind = "limits-raised" // a verifier tells: see ToldKind
	NoticeLimitsLoosened NoticeKind = "limits-loosened"
	NoticeLimitsEnded    NoticeKind = "limits-ended"
)

// notice is what a text is made from. It carries no name: the address says who
// reads it, and whoever else sees it learns nothing.
type notice struct {
	kind     NoticeKind
	phone    string
	replaced string // the phone that a new one replaced
	until    time.Time
	days     int
	why      EndReason
	by       Way           // of a suspension, or of an end that the holder made
	name     string        // of a person, in the reader's own word for them
	last     bool          // of the suspensions that are allowed in a while
	hasPhone bool          // what is told of a card concerns a phone too
	coming   RegisterEvent // what was announced
}

// notify puts a notice to a person into the outbox, in the transaction of what
// it tells.
func (r *RA) notify(ctx context.Context, tx Tx, at time.Time, p PersonRecord, n notice) error {
	ja, en := n.texts()
	return tx.PutNotice(ctx, p.ID, Notice{ID: randomID(), At: at, To: p.contact(at), Kind: n.kind, JA: ja, EN: en})
}

// tell is notify for the person of an enrolment.
func (r *RA) tell(ctx context.Context, tx Tx, at time.Time, e EnrolmentRecord, n notice) error {
	p, err := tx.Person(ctx, e.Person)
	if err != nil {
		return err
	}
	return r.notify(ctx, tx, at, p, n)
}

// Outbox lists notices after the one called after ("" for all), oldest first.
func (r *RA) Outbox(ctx context.Context, after string, limit int) (Outbox, error) {
	out := Outbox{Notices: []Notice{}}
	err := r.store.Read(ctx, func(tx Tx) error {
		list, err := tx.Notices(ctx, after, limit)
		if len(list) > 0 {
			out.Notices = list
		}
		return err
	})
	return out, err
}

const (
	notYouJA = "心当たりがないときは、停止コードで、いますぐ一時停止してください。"
	notYouEN = "If this was not you, suspend it now with your lock code."
)

// texts are the words of a notice.
func (n notice) texts() (ja, en NoticeText) {
	untilJA, untilEN := "", ""
	if !n.until.IsZero() {
		untilJA = pki.EraDate(n.until) + n.until.In(pki.JST).Format(" 15:04")
		untilEN = n.until.In(pki.JST).Format("2006-01-02 15:04 JST")
	}
	switch n.kind {
	case NoticeApplied:
		return NoticeText{"スマホ用電子証明書の利用申請を受け付けました",
				fmt.Sprintf("あなたのカードで、%s への利用申請がありました。%s までに登録しないと取り消されます。%s", n.phone, untilJA, notYouJA)},
			NoticeText{"An application for a phone was received",
				fmt.Sprintf("Your card was used to apply for certificates in a %s. Unless it is registered by %s it is ended. %s", n.phone, untilEN, notYouEN)}
	case NoticeRegistered:
		ja := fmt.Sprintf("%s が登録され、2つの証明書が有効になりました（%s まで）。", n.phone, untilJA)
		en := fmt.Sprintf("A %s was registered and both certificates are good (until %s).", n.phone, untilEN)
		if n.replaced != "" {
			ja += fmt.Sprintf("前の %s の証明書は失効しました。", n.replaced)
			en += fmt.Sprintf(" Those of the %s before it are revoked.", n.replaced)
		}
		return NoticeText{"スマホの登録が完了しました", ja + notYouJA}, NoticeText{"Your phone is registered", en + " " + notYouEN}
	case NoticeExpired:
		return NoticeText{"利用申請が取り消されました", fmt.Sprintf("%s への申請は、登録されないまま終わりました。発行された証明書は使われることなく失効しています。必要なときは、もう一度申請してください。", n.phone)},
			NoticeText{"Your application has ended", fmt.Sprintf("The application for a %s ended before it was registered. Whatever was issued is revoked and was never usable. Apply again when you need to.", n.phone)}
	case NoticeReplaced:
		return NoticeText{"途中の利用申請が取り消されました", fmt.Sprintf("%s への途中の申請は、新しい申請に置きかえられました。%s", n.phone, notYouJA)},
			NoticeText{"An open application was replaced", fmt.Sprintf("The open application for a %s was replaced by a new one. %s", n.phone, notYouEN)}
	case NoticeSuspended:
		byJA, byEN := n.by.ja(), n.by.en()
		if n.name != "" {
			byJA, byEN = byJA+"「"+n.name+"」", byEN+" (“"+n.name+"”)"
		}
		ja := fmt.Sprintf("%sにより、%s の証明書を一時停止しました。見つかったら、または、まちがいやいたずらなら、スマホの「見つかったとき」からカードをかざして再開できます。30日のうちに再開しないと失効します。", byJA, n.phone)
		en := fmt.Sprintf("The certificates in your %s were put on hold by %s. When you find it, or if this was a mistake or a nuisance, choose “If you find it” on the phone and hold the card to it to resume. Unless resumed within 30 days they are revoked.", n.phone, byEN)
		if n.last {
			ja += "7日のうちに3回止められたので、しばらくは、停止コード、電話、信頼できる人では止められません。カードと、ログイン中のポータルからは、いつでも止められます。"
			en += " It was stopped three times in 7 days: for a while lock code, telephone and trusted people cannot stop it. With your card, or logged in at the portal, you always can."
		}
		return NoticeText{"スマホを一時停止しました", ja}, NoticeText{"Your phone is suspended", en}
	case NoticeSuspected:
		return NoticeText{"スマホの証明書を一時停止しました", fmt.Sprintf("%s の記録に食い違いがあり、複製または改造のおそれがあるため一時停止しました。カードをかざして再開するか、新しく登録してください。", n.phone)},
			NoticeText{"Your phone's certificates are on hold", fmt.Sprintf("The records of your %s contradict each other; it may have been copied or changed. Resume with your card, or register anew.", n.phone)}
	case NoticeSilentSoon:
		return NoticeText{"まもなくスマホの証明書が一時停止します", fmt.Sprintf("%s がしばらく使われていません。あと%d日で一時停止します。スマホの電源を入れ、暗証番号または画面ロックで一度開いてください。", n.phone, n.days)},
			NoticeText{"Your phone's certificates will soon be on hold", fmt.Sprintf("Your %s has not been used for a while. In %d days it is put on hold. Switch it on and unlock it once with PIN or screen lock.", n.phone, n.days)}
	case NoticeSilent:
		return NoticeText{"スマホの証明書を一時停止しました", fmt.Sprintf("%s が長いあいだ使われていないため一時停止しました。電源を入れ、暗証番号または画面ロックで開くと再開します。30日のうちに再開しないと失効します。", n.phone)},
			NoticeText{"Your phone's certificates are on hold", fmt.Sprintf("Your %s has not been used for long and was put on hold. Switching it on and unlocking it resumes them. Unless resumed within 30 days they are revoked.", n.phone)}
	case NoticeResumed:
		return NoticeText{"スマホの証明書を再開しました", fmt.Sprintf("%s が使われたため、一時停止を解除しました。%s", n.phone, notYouJA)},
			NoticeText{"Your phone's certificates are resumed", fmt.Sprintf("Your %s was unlocked, and the hold has ended. %s", n.phone, notYouEN)}
	case NoticeFound:
		return NoticeText{"スマホの利用を再開しました", fmt.Sprintf("カードで確かめ、%s の利用者証明用電子証明書を再開しました。署名用は失効したので、スマホで新しく発行してください。%s", n.phone, notYouJA)},
			NoticeText{"Your phone is resumed", fmt.Sprintf("With your card, the authentication certificate in your %s was resumed. The one for signatures is revoked; have a new one issued on the phone. %s", n.phone, notYouEN)}
	case NoticeReissued:
		return NoticeText{"署名用電子証明書を新しくしました", fmt.Sprintf("%s の署名用電子証明書が新しくなりました（%s まで）。%s", n.phone, untilJA, notYouJA)},
			NoticeText{"You have a new signature certificate", fmt.Sprintf("The signature certificate in your %s is new (until %s). %s", n.phone, untilEN, notYouEN)}
	case NoticeHeldStill:
		return NoticeText{"スマホの証明書は一時停止中です", fmt.Sprintf("%s の証明書は一時停止から%d日たちました。30日たつと失効します。", n.phone, n.days)},
			NoticeText{"Your phone's certificates are still on hold", fmt.Sprintf("The certificates in your %s have been on hold for %d days. After 30 days they are revoked.", n.phone, n.days)}
	case NoticeSignEnded, NoticeAnnounced, NoticeEmigrated, NoticeCardSign:
		return n.registerTexts()
	case NoticeCardHeld:
		return NoticeText{"カードの電子証明書を一時停止しました", "カードの紛失の届け出を受け付けました。スマホの証明書はそのまま使えます。"},
			NoticeText{"Your card's certificates are on hold", "The card was reported lost. The certificates in your phone go on working."}
	case NoticeCardResumed:
		return NoticeText{"カードの電子証明書を再開しました", "カードが見つかった届け出を受け付けました。" + notYouJA},
			NoticeText{"Your card's certificates are resumed", "The card was reported found. " + notYouEN}
	case NoticeCardRevoked:
		return NoticeText{"カードの電子証明書が失効しました", "窓口への届け出により、カードの電子証明書が失効しました。その証明書をもとにしたスマホの証明書も失効しています。" + notYouJA},
			NoticeText{"Your card's certificates are revoked", "At your municipality's desk certificates of your card were revoked, and with them those in your phone that were derived from them. " + notYouEN}
	case NoticeNewCard:
		return NoticeText{"新しいカードが発行されました", "新しいカードを受け取って使えるようになると、いまのスマホの証明書は失効します。受け取ったら、新しいカードでもう一度スマホの利用申請をしてください。" + notYouJA},
			NoticeText{"A new card was made for you", "When the new card is handed over, the certificates in your phone are revoked. Apply for the phone again with the new card then. " + notYouEN}
	case NoticeEndsSoon:
		return NoticeText{"まもなくスマホの証明書の有効期限が切れます", fmt.Sprintf("%s の証明書は、カードの証明書とともに、あと%d日で有効期限が切れます。カードの証明書を窓口で更新してから、もう一度利用申請をしてください。", n.phone, n.days)},
			NoticeText{"The certificates in your phone will soon expire", fmt.Sprintf("The certificates in your %s expire in %d days, together with the card's. Have the card's renewed at the municipality's desk, then apply for the phone again.", n.phone, n.days)}
	case NoticeElementMoved:
		return NoticeText{"スマホの証明書が失効しました", fmt.Sprintf("%s が初期化されたか、別の人に登録されたため、前の証明書を失効させました。%s", n.phone, notYouJA)},
			NoticeText{"Your phone's certificates are revoked", fmt.Sprintf("The %s was reset or registered by somebody else, so what it held before is revoked. %s", n.phone, notYouEN)}
	case NoticeContact, NoticeContactKept, NoticeContactNew:
		return n.contactTexts(untilJA, untilEN)
	case NoticeTrustInvited, NoticeTrustAccepted, NoticeTrusted, NoticeCharged, NoticeTrustEnded:
		return n.trustTexts()
	case NoticeLimitsRaised, NoticeLimitsLoosened, NoticeLimitsEnded:
		return n.limitTexts()
	}
	becauseJA, becauseEN := n.why.Because()
	return NoticeText{"スマホの証明書が失効しました", fmt.Sprintf("%s の2つの証明書は、%s失効しました。%s%s", n.phone, becauseJA, n.why.wayBackJA(), notYouJA)},
		NoticeText{"Your phone's certificates are revoked", fmt.Sprintf("Both certificates in your %s are revoked, because %s. %s%s", n.phone, becauseEN, n.why.wayBackEN(), notYouEN)}
}

// Because is the reason in words, as a notice and a phone's history give it: the
// Japanese ends in ため, the English goes on after "because".
func (w EndReason) Because() (ja, en string) {
	switch w {
	case EndedExpired:
		return "24時間のうちに登録されなかったため", "it was not registered within 24 hours"
	case EndedReplaced:
		return "新しい申請に替わったため", "a newer application took its place"
	case EndedSuperseded:
		return "新しいスマホが登録されたため", "a new phone was registered"
	case EndedCard:
		return "カードが新しくなったか失効したため", "the card behind it was renewed or revoked"
	case EndedDied:
		return "住民票の記録が変わったため", "the register of residents changed"
	case EndedCopied:
		return "スマホの中身の複製が2つ動いていたため", "two live copies of what is in the phone were seen"
	case EndedEmigrated:
		return "国外へ転出したため", "you left the country"
	case EndedStopped:
		return "利用停止の操作があったため", "its use was stopped"
	case EndedSilent:
		return "60日以上使われていないか、120日以上ロックが解除されていないため", "it was not used for 60 days, or not unlocked for 120"
	case EndedHeldTooLong:
		return "一時停止から30日たったため", "it was on hold for 30 days"
	case EndedElement:
		return "スマホが初期化されたか、別の人に登録されたため", "the phone was reset, or registered by somebody else"
	case EndedValidity:
		return "有効期限が切れたため", "its certificates expired"
	case EndedReissued:
		return "新しい署名用電子証明書が登録されたため", "its new signature certificate was registered"
	case EndedFound:
		return "一時停止の前に始めた申請だったため", "it was begun before the phone was put on hold"
	}
	return "登録の状態が変わったため", "the registration changed"
}
