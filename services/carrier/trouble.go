package carrier

import (
	"errors"
	"net/http"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// codeClaims is ErrClaims's.
const codeClaims = "carrier-claims"

// refusal is what the carrier says of one of its errors.
type refusal struct {
	err           error
	status        int
	kind          string // of the four kinds of trouble
	code          string
	title, detail ui.Text
}

// words are what the carrier says of its own refusals.
func words() []refusal {
	say := func(ja, en string) ui.Text { return ui.Text{JA: ja, EN: en} }
	const refused, yours = "refused", "your-turn"
	nothing := say("何も保存していません。", "Nothing was stored.")
	same := say("回線はそのままです。", "The line stays as it is.")
	return []refusal{
		{err: ErrClaims, status: 403, kind: yours, code: codeClaims, title: say("名前・住所・生年月日が要ります。", "Your name, address and birth date are needed."),
			detail: say("契約書や申込書に書くためです。もう一度ログインして、スマートフォンの「渡す情報」で3つとも渡してください。"+nothing.JA, "They are part of what you sign. Log in again and let all three be given on the phone. "+nothing.EN)},
		{err: ErrTooMany, status: 409, kind: refused, code: "carrier-too-many", title: say("回線は、おひとり5本までです。", "Each person has five lines at most."),
			detail: say("使わない回線の解約が終わると、新しく契約できます。"+nothing.JA, "End a line that you do not use, and you can take out another. "+nothing.EN)},
		{err: ErrTooYoung, status: 403, kind: refused, code: "carrier-too-young", title: say("15歳未満の方は、ここでは契約できません。", "Below 15 one cannot take out a line here."),
			detail: say("署名用の電子証明書は15歳からです。保護者の方と店舗へお越しください。"+nothing.JA, "Certificates for signatures begin at 15. Come to a shop with your parent or guardian. "+nothing.EN)},
		{err: ErrChoices, status: 400, kind: yours, code: "carrier-plan", title: say("プランを選んでください。", "Choose a plan."), detail: say("まだ何も契約していません。", "Nothing was taken out yet.")},
		{err: ErrFilter, status: 400, kind: yours, code: "carrier-filter", title: say("18歳未満の方は、フィルタリングが必要です。", "Below 18 the filter has to be on."),
			detail: say("フィルタリングを利用すると、契約できます。まだ何も契約していません。", "With the filter you can go on. Nothing was taken out yet.")},
		{err: ErrAddress, status: 400, kind: yours, code: "carrier-address", title: say("@ の入ったメールアドレスを、半角で1つだけ入力してください。", "Enter one mail address with an @ in it."), detail: say("まだ何も変わっていません。", "Nothing has changed yet.")},
		{err: ErrSoon, status: 429, kind: yours, code: "carrier-soon", title: say("確認のメールを、いま送ったばかりです。", "A confirmation was mailed a moment ago."), detail: say("1分待ってから、もう一度送ってください。", "Wait a minute, then send it again.")},
		{err: ErrSignature, status: 403, kind: refused, code: "carrier-signature", title: say("署名を受け付けられませんでした。", "The signature could not be accepted."),
			detail: say("ログインした方の、有効な署名ではありません。"+nothing.JA, "It is no valid signature of whoever logged in. "+nothing.EN)},
		{err: relying.ErrOtherSigner, status: 403, kind: refused, code: "carrier-signature", title: say("署名を受け付けられませんでした。", "The signature could not be accepted."),
			detail: say("ログインした方の、この文書への署名ではありません。"+nothing.JA, "It is no signature of whoever logged in on this document. "+nothing.EN)},
		{err: ErrWaiting, status: 409, kind: refused, code: "carrier-waiting", title: say("この回線には、待っている申し込みがあります。", "A request for this line waits already."),
			detail: say("回線の画面で取り下げると、申し込み直せます。"+same.JA, "Take it back on the line's page, and you can ask anew. "+same.EN)},
		{err: ErrEndFrozen, status: 409, kind: refused, code: "carrier-frozen-end", title: say("凍結している回線は、解約できません。", "A frozen line is not ended."),
			detail: say("先に、署名と24時間で凍結をやめてください。"+same.JA, "First lift the freeze by a signature and 24 hours. "+same.EN)},
		{err: ErrFrozen, status: 409, kind: refused, code: "carrier-frozen", title: say("SIM の変更を凍結しています。", "SIM changes are frozen."),
			detail: say("凍結をやめるには、署名と24時間が要ります。"+same.JA, "Lifting the freeze takes a signature and 24 hours. "+same.EN)},
		{err: ErrNotFrozen, status: 409, kind: refused, code: "carrier-not-frozen", title: say("SIM の変更は、凍結していません。", "SIM changes are not frozen."), detail: same},
		{err: ErrNotPortable, status: 409, kind: refused, code: "carrier-not-portable", title: say("データ専用の番号は、ほかの会社へ移せません。", "The number of a data line does not move to another carrier."), detail: same},
		{err: ErrBound, status: 403, kind: refused, code: "carrier-bound", title: say("この eSIM は、入れられません。", "This eSIM cannot be put into a phone."),
			detail: say("契約か再発行に署名したスマートフォンの鍵とは、別の鍵での署名です。いまのスマートフォンで使うには、eSIM の再発行を申し込んでください。"+same.JA, "Another key signed than the one that signed for this eSIM. To use the line on this phone, ask for a new eSIM. "+same.EN)},
		{err: ErrInstalled, status: 409, kind: refused, code: "carrier-installed", title: say("この eSIM は、ほかのスマートフォンに入っています。", "This eSIM is in another phone."),
			detail: say("このスマートフォンで使うには、eSIM の再発行を申し込んでください。"+same.JA, "To use the line on this phone, ask for a new eSIM. "+same.EN)},
		{err: ErrMoved, status: 409, kind: refused, code: "carrier-too-late", title: say("もう終わっています。", "It is over already."),
			detail: say("24時間がたって、行われました。心当たりがなければ、マイナンバーカードを持って店舗へお越しください。", "The 24 hours passed and it was done. If it was not you, come to a shop with your card.")},
		{err: ErrNotFound, status: 404, kind: yours, code: "carrier-not-found", title: say("見つかりませんでした。", "Nothing is here."),
			detail: say("リンクが古いか、あなたの回線ではありません。何も変わっていません。", "The link is old, or the line is not yours. Nothing has changed.")},
		{err: relying.ErrDenied, status: 403, kind: yours, code: "carrier-declined", title: say("スマートフォンでの確認は、行われませんでした。", "Nothing was confirmed on the phone."),
			detail: say(nothing.JA+"断っていないのにここへ戻ったときは、理由がスマートフォンに出ています。そうでなければ、もう一度始められます。", nothing.EN+" If you did not refuse, your phone says why not. Otherwise you can begin again.")},
		{err: relying.ErrNotAsked, status: 403, kind: refused, code: "carrier-answer", title: say("このブラウザーで始めた確認への回答ではありません。", "This answers nothing that this browser began."),
			detail: say(nothing.JA+"始めからやり直してください。", nothing.EN+" Begin again.")},
		{err: relying.ErrWeak, status: 403, kind: refused, code: "carrier-class", title: say("確認の強さが足りません。", "The confirmation was not strong enough."),
			detail: say(nothing.JA+"始めからやり直してください。", nothing.EN+" Begin again.")},
	}
}

// troubleOf says an error to a person. What the verifier said is shown as it said it.
func troubleOf(w http.ResponseWriter, err error) *ui.Trouble {
	if errors.Is(err, relying.ErrOtherPerson) {
		err = ErrSignature
	}
	t := ui.TroubleOf(w, err)
	for _, x := range words() {
		if errors.Is(err, x.err) {
			fill(t, x.kind, x.code, x.status, x.title, x.detail)
			return t
		}
	}
	refused, ok := errors.AsType[*relying.RefusedError](err)
	if ok || errors.Is(err, relying.ErrProvider) {
		fill(t, "could-not-check", "carrier-provider", http.StatusBadGateway,
			ui.Text{JA: "確認の窓口から、使える答えがありませんでした。", EN: "The login desk gave no usable answer."},
			ui.Text{JA: "何も保存していません。少し待って、もう一度お試しください。", EN: "Nothing was stored. Wait a moment and try again."})
	}
	if ok {
		t.Code += "-" + refused.Code
	}
	return t
}

func fill(t *ui.Trouble, kind, code string, status int, title, detail ui.Text) {
	switch kind { // whose type this package does not know
	case "refused":
		t.Kind = "refused"
	case "your-turn":
		t.Kind = "your-turn"
	case "could-not-check":
		t.Kind = "could-not-check"
	}
	t.Code, t.Status, t.Title, t.Detail = code, status, title, detail
}
