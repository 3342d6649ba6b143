package ra

import "fmt"

// contactTexts are the words of a notice about the second channel's address. None of
// them says an address: whoever reads one of the two need not learn the other.
func (n notice) contactTexts(untilJA, untilEN string) (ja, en NoticeText) {
	const keepJA = "心当たりがないときは、それまでに、スマホの「お知らせの送り先」からカードをかざして取り消してください。どのスマホでもできます。"
	const keepEN = "If this was not you, take it back before then: choose “Where notices go” on any phone and hold your card to it."
	switch n.kind {
	case NoticeContactKept:
		return NoticeText{"お知らせの送り先は、変わりません", "カードで確かめ、送り先の変更を取り消しました。お知らせは、これまでどおりここに届きます。" + notYouJA},
			NoticeText{"Your contact address stays", "With your card the change of address was taken back. Notices come here as before. " + notYouEN}
	case NoticeContactNew:
		return NoticeText{"お知らせの送り先になりました", "電子証明書のお知らせは、これからここに届きます。心当たりがないときは、だれかがアドレスをまちがえたのかもしれません。このお知らせは捨ててください。"},
			NoticeText{"Notices come here from now on", "Notices about somebody's certificates now come to this address. If you do not know why, somebody may have mistyped theirs: throw this away."}
	}
	return NoticeText{"お知らせの送り先が変わります", fmt.Sprintf("お知らせの送り先が %s に変わります。%s", untilJA, keepJA)},
		NoticeText{"Your contact address will change", fmt.Sprintf("From %s on, notices go to another address. %s", untilEN, keepEN)}
}
