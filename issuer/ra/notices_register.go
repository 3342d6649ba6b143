package ra

import (
	"fmt"
	"time"

	"tegata/internal/pki"
)

const (
	notYouDeskJA = "心当たりがないときは、すぐに市区町村の窓口へ知らせてください。"
	notYouDeskEN = "If this was not you, tell your municipality's desk at once."

	reissueJA = "利用者証明用はそのまま使えます。市区町村の窓口で、いまのカードに新しい署名用電子証明書を入れられます。"
	reissueEN = "Those for authentication go on working. At your municipality's desk a new one for signatures is put on the card that you have."
	onPhoneJA = "そのあと、スマホにそのカードをかざすと、スマホの署名用も新しくできます。"
	onPhoneEN = " After that, hold the card to your phone to have the phone's renewed too."
)

// registerTexts are the words of a notice about what the register tells, or will tell.
func (n notice) registerTexts() (ja, en NoticeText) {
	againJA, againEN := reissueJA, reissueEN
	if n.hasPhone {
		againJA, againEN = againJA+onPhoneJA, againEN+onPhoneEN
	}
	switch n.kind {
	case NoticeEmigrated:
		return NoticeText{"カードとスマホの電子証明書が失効しました", "国外への転出の届け出により、カードとスマホの電子証明書がすべて失効しました。国内に戻って転入届をすると、新しいカードを作り、スマホも申し込めます。" + notYouDeskJA},
			NoticeText{"The certificates of card and phone are revoked", "You were reported to have left the country, so all certificates of card and phone are revoked. When you move back, report it and order a new card; then you can apply for a phone again. " + notYouDeskEN}
	case NoticeCardSign:
		ja := NoticeText{"カードに新しい署名用電子証明書が入りました", "市区町村の窓口で、カードに新しい署名用電子証明書を入れました。"}
		en := NoticeText{"Your card has a new signature certificate", "At your municipality's desk a new signature certificate was put on your card. "}
		if n.hasPhone {
			ja.Body += "スマホの署名用は、スマホの「署名用を新しくする」でこのカードをかざすと、新しくできます。"
			en.Body += "To have the phone's renewed too, choose “A new signature certificate” on the phone and hold the card to it. "
		}
		ja.Body, en.Body = ja.Body+notYouDeskJA, en.Body+notYouDeskEN
		return ja, en
	case NoticeAnnounced:
		return n.announcedTexts(againJA, againEN)
	}
	return NoticeText{"署名用電子証明書が失効しました", "住所や氏名などが変わったため、カードとスマホの署名用電子証明書が失効しました。" + againJA},
		NoticeText{"Your signature certificates are revoked", "Since your address, name or another attribute changed, the signature certificates of card and phone are revoked. " + againEN}
}

// announcedTexts say what will end on the day, and how to go on.
func (n notice) announcedTexts(againJA, againEN string) (ja, en NoticeText) {
	dayJA, dayEN := n.coming.On, n.coming.On
	if on, err := time.ParseInLocation(time.DateOnly, n.coming.On, pki.JST); err == nil {
		dayJA = pki.EraDate(on)
	}
	what, ja2, en2 := "", "", ""
	switch n.coming.Of {
	case EventMoved:
		ja, en = NoticeText{Title: "引っ越しの届け出を受け付けました"}, NoticeText{Title: "You reported a move"}
		ja2, en2 = "住所が変わり、カードとスマホの署名用電子証明書が失効します。"+againJA, "your address changes, and the signature certificates of card and phone are revoked. "+againEN
	case EventNameChanged:
		ja, en = NoticeText{Title: "氏名などの変更の届け出を受け付けました"}, NoticeText{Title: "You reported a change of name or other particulars"}
		ja2, en2 = "氏名などが変わり、カードとスマホの署名用電子証明書が失効します。"+againJA, "your particulars change, and the signature certificates of card and phone are revoked. "+againEN
	case EventEmigrated:
		ja, en = NoticeText{Title: "国外への転出の届け出を受け付けました"}, NoticeText{Title: "You reported that you will leave the country"}
		ja2, en2 = "カードとスマホの電子証明書がすべて失効します。使う手続きは、それまでに済ませてください。国内に戻って転入届をすると、また作れます。", "all certificates of card and phone are revoked. Finish what you need them for before. When you move back you can have new ones."
	default:
		ja, en = NoticeText{Title: "カードの電子証明書の失効の届け出を受け付けました"}, NoticeText{Title: "You reported that certificates of your card shall end"}
		what, ja2, en2 = "と、それをもとにしたスマホの証明書", "カードの電子証明書", "the card's certificates, and those in the phone that were derived from them, are revoked. With a new card you can apply for the phone again."
		if n.coming.Certificate != "" {
			ja2, en2 = "カードの署名用電子証明書", "the card's signature certificate, and the phone's that was derived from it, are revoked. Those for authentication go on working. A new one is issued at your municipality's desk."
		}
		ja2 += what + "が失効します。あとでまた使いたくなったら、市区町村の窓口で申し込めます。"
	}
	if n.coming.Cancelled {
		ja.Title, en.Title = "届け出を取り消しました", "A report was taken back"
		ja.Body = fmt.Sprintf("%s に予定していた届け出を取り消しました。カードとスマホの証明書はそのまま使えます。%s", dayJA, notYouDeskJA)
		en.Body = fmt.Sprintf("What was reported for %s was taken back. The certificates of card and phone go on working. %s", dayEN, notYouDeskEN)
		return ja, en
	}
	ja.Body = fmt.Sprintf("%s に、%s%s", dayJA, ja2, notYouDeskJA)
	en.Body = fmt.Sprintf("On %s %s %s", dayEN, en2, notYouDeskEN)
	return ja, en
}

// wayBackJA says how to have a phone again, where the cascade that ended it leaves a
// way; wayBackEN is the same in English, with a space behind it.
func (w EndReason) wayBackJA() string {
	switch w {
	case EndedCopied:
		return "スマホを初期化してから、カードでもう一度利用申請をしてください。"
	case EndedCard:
		return "新しいカードがあれば、もう一度スマホの利用申請ができます。"
	}
	return ""
}

func (w EndReason) wayBackEN() string {
	switch w {
	case EndedCopied:
		return "Reset the phone, then apply for it again with your card. "
	case EndedCard:
		return "With a new card you can apply for the phone again. "
	}
	return ""
}
