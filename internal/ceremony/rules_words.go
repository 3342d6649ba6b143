package ceremony

import "fmt"

// A change of rules reads the same where it is prepared, on the phone that asks for the
// card, and on a terminal: the words are here, and in no page's own catalogue.

// Words names the category as people do; "" is all of them.
func (c Category) Words() Text {
	switch c {
	case Government:
		return Text{"役所の手続き", "public offices"}
	case Tax:
		return Text{"税金の手続き", "tax"}
	case Clinic:
		return Text{"病院・薬局", "clinics and pharmacies"}
	case Kiosk:
		return Text{"コンビニなどの証明書交付機", "kiosks that print certificates"}
	case Private:
		return Text{"会社やお店のサービス", "companies and shops"}
	}
	return Text{"すべての利用", "all uses"}
}

// Words says how a demand is met.
func (d Demand) Words() Text {
	switch d {
	case DemandPIN:
		return Text{"暗証番号だけ（画面ロックは使わない）", "the PIN only, never the screen lock"}
	case DemandPassword:
		return Text{"署名用パスワード", "the signature password"}
	}
	return Text{"ふつう（暗証番号か画面ロック）", "as usual: the PIN or the screen lock"}
}

// Words says from when to when, and what holds then; no hours are none.
func (q *QuietHours) Words() Text {
	if q == nil {
		return Text{"なし", "none"}
	}
	from, to := Clock(q.From), Clock(q.To)
	if q.Refuse {
		return Text{fmt.Sprintf("%sから%sまで、使わない", from, to), fmt.Sprintf("%s to %s, no use at all", from, to)}
	}
	return Text{fmt.Sprintf("%sから%sまで、暗証番号だけ", from, to), fmt.Sprintf("%s to %s, the PIN only", from, to)}
}

// Words says what changes, in one sentence.
func (d Difference) Words() Text {
	of := d.Of.Words()
	switch d.What {
	case DiffLock:
		if d.Locked {
			return Text{"「" + of.JA + "」を止めます。", "Lock: " + of.EN + "."}
		}
		return Text{"「" + of.JA + "」を、また使えるようにします。", "Allow again: " + of.EN + "."}
	case DiffDaily:
		was, is := d.Uses[0], d.Uses[1]
		switch {
		case is == 0:
			return Text{fmt.Sprintf("「%s」の、1日%d回までの制限をなくします。", of.JA, was), fmt.Sprintf("End the limit of %d a day: %s.", was, of.EN)}
		case was == 0:
			return Text{fmt.Sprintf("「%s」を、1日%d回までにします。", of.JA, is), fmt.Sprintf("At most %d a day: %s.", is, of.EN)}
		}
		return Text{fmt.Sprintf("「%s」の1日の回数を、%d回から%d回にします。", of.JA, was, is), fmt.Sprintf("Instead of %d a day, %d: %s.", was, is, of.EN)}
	case DiffQuiet:
		was, is := d.Quiet[0].Words(), d.Quiet[1].Words()
		return Text{fmt.Sprintf("使わない時間を、「%s」から「%s」にします。", was.JA, is.JA), fmt.Sprintf("Quiet hours: instead of %s, %s.", was.EN, is.EN)}
	}
	if d.Of == "" {
		of = Text{"決めた相手（" + d.Party + "）の利用", "one use of " + d.Party}
	}
	was, is := d.Demand[0].Words(), d.Demand[1].Words()
	return Text{fmt.Sprintf("「%s」の確かめ方を、「%s」から「%s」にします。", of.JA, was.JA, is.JA), fmt.Sprintf("How you confirm %s: instead of %s, %s.", of.EN, was.EN, is.EN)}
}
