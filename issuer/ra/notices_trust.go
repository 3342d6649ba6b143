package ra

import "fmt"

// trustTexts are the words of a notice about people who trust each other. They name the
// other in the reader's own word, or as the other wished to be called.
func (n notice) trustTexts() (ja, en NoticeText) {
	const endJA = "心当たりがないときは、ポータルの「信頼できる人」で取り消してください。"
	const endEN = "If this was not you, end it at the portal, under “People you trust”."
	switch n.kind {
	case NoticeTrustInvited:
		return NoticeText{"信頼できる人への招待を作りました", fmt.Sprintf("「%s」に、あなたのスマホを止めてもらうための招待を作りました。24時間有効です。%s", n.name, endJA)},
			NoticeText{"An invitation for a person you trust was made", fmt.Sprintf("You invited “%s” to stop your phone when needed. The invitation is good for 24 hours. %s", n.name, endEN)}
	case NoticeTrustAccepted:
		return NoticeText{"信頼できる人が引き受けました", fmt.Sprintf("「%s」への招待を引き受けた人がいます。ポータルの「信頼できる人」で、その人の氏名を確かめてください。確かめるまで、スマホを止めることはできません。%s", n.name, endJA)},
			NoticeText{"Somebody accepted your invitation", fmt.Sprintf("Somebody accepted your invitation of “%s”. See that person's name at the portal, under “People you trust”, and confirm it. Until then nothing can be stopped. %s", n.name, endEN)}
	case NoticeTrusted:
		return NoticeText{"スマホを止められる人が加わりました", fmt.Sprintf("「%s」が、あなたのスマホを一時停止できるようになりました。止めることだけができます。%s", n.name, endJA)},
			NoticeText{"One more person can stop your phone", fmt.Sprintf("“%s” can now suspend your phone, and do nothing else. %s", n.name, endEN)}
	case NoticeCharged:
		return NoticeText{"頼まれた人になりました", fmt.Sprintf("あなたは、「%s」さんのスマホを一時停止できるようになりました。頼まれたときや、なくしたと分かったときに、ポータルから止めてください。やめるときも、ポータルの「信頼できる人」からできます。", n.name)},
			NoticeText{"Somebody trusts you", fmt.Sprintf("You can now suspend the phone of “%s”. Do so at the portal when you are asked to, or know that it is lost. There you can also end this, under “People you trust”.", n.name)}
	case NoticeTrustEnded:
		if n.by == ByHolder {
			return NoticeText{"信頼できる人の関係が終わりました", fmt.Sprintf("あなたのログインで、「%s」さんに任せるのをやめました。その人は、もうあなたのスマホを止めることはできません。%s", n.name, notYouJA)},
				NoticeText{"A relation of trust has ended", fmt.Sprintf("With your login the relation with “%s” was ended: that person can no longer stop your phone. %s", n.name, notYouEN)}
		}
	}
	return NoticeText{"信頼できる人の関係が終わりました", fmt.Sprintf("「%s」さんとのあいだで、スマホを止められる関係が終わりました。もう止めることはできません。", n.name)},
		NoticeText{"A relation of trust has ended", fmt.Sprintf("The relation with “%s” has ended: nothing can be stopped by it any more.", n.name)}
}
