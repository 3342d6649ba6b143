package bank

import "tegata/internal/problem"

// What the bank refuses, and what it could not do.
var (
	// ErrSecond: this person has such an account, or an application under review.
	ErrSecond = problem.NewRefused(409, "bank-second",
		"口座は、おひとり1つです。", "あなたの口座か、審査中の申し込みがあります。新しい口座は作っていません。",
		"Each person has one account.", "You have an account, or an application under review. Nothing new was made.")
	// ErrTooYoung: below 15, who has no certificate for signatures.
	ErrTooYoung = problem.NewRefused(403, "bank-too-young",
		"15歳未満の方は、ここでは申し込めません。", "保護者の方と窓口へお越しください。何も保存していません。",
		"Below 15 one cannot apply here.", "Come to a branch with your parent or guardian. Nothing was stored.")
	// ErrMinor: below 18, who has no securities account here.
	ErrMinor = problem.NewRefused(403, "bank-minor",
		"証券口座は、18歳になってから申し込めます。", "何も保存していません。",
		"One can apply for a securities account from 18.", "Nothing was stored.")
	// ErrFacts: not all of the four attributes were allowed.
	ErrFacts = problem.NewYourTurn(403, "bank-facts",
		"名前・住所・生年月日・性別の4つが必要です。", "ログアウトしてからもう一度ログインし、スマートフォンで4つとも「渡す」にしてください。何も保存していません。",
		"It takes all four: name, address, date of birth and sex.", "Log out, log in again, and switch all four on at the phone. Nothing was stored.")
	// ErrChoices: something was not chosen.
	ErrChoices = problem.NewYourTurn(400, "bank-choices",
		"職業と取引の目的を選んでください。", "まだ何も申し込んでいません。",
		"Choose an occupation and a purpose.", "Nothing was applied for yet.")
	// ErrSignature: the signature does not hold, or is not of the person who logged in.
	ErrSignature = problem.NewRefused(403, "bank-signature",
		"署名を受け付けられませんでした。", "ログインした方の、有効な署名ではありません。何も保存していません。",
		"The signature could not be accepted.", "It is no valid signature of whoever logged in. Nothing was stored.")
	// ErrDeclined: the person did not agree on the phone, or the time was over.
	ErrDeclined = problem.NewYourTurn(403, "bank-declined",
		"スマートフォンでの確認は、行われませんでした。", "何も保存していません。断っていないのにここへ戻ったときは、理由がスマートフォンに出ています。そうでなければ、もう一度始められます。",
		"Nothing was confirmed on the phone.", "Nothing was stored. If you did not refuse, your phone says why not. Otherwise you can begin again.")
	// ErrDataChanged: the person moved or changed names, and cannot sign for now.
	ErrDataChanged = problem.NewYourTurn(403, "bank-data-changed",
		"住所や氏名などが変わったため、いまは署名できません。",
		"何も保存していません。市区町村の窓口でカードの署名用電子証明書を新しくし、スマートフォンで「署名用を新しくする」を行ってください。新しくしてから24時間たつと、ここで続けられます。",
		"Your address, name or other data changed: you cannot sign for now.",
		"Nothing was stored. Have the card's signature certificate renewed at your municipality's desk, then make the phone's new. 24 hours after that you can go on here.")
	// ErrAnswer: what the browser brought back answers nothing that it began here.
	ErrAnswer = problem.NewRefused(403, "bank-answer",
		"このブラウザーで始めた確認への回答ではありません。", "何も保存していません。始めからやり直してください。",
		"This answers nothing that this browser began.", "Nothing was stored. Begin again.")
	// ErrLetter: a call of nobody who is registered as a creditor, or not in their own hand.
	ErrLetter = problem.NewRefused(401, "bank-letter",
		"登録された相手からの手紙ではありません。", "送り手、宛先、鍵、時刻を確かめてください。",
		"This is no letter of a registered creditor.", "Check sender, receiver, key and time.")
	// ErrMandate: a wish or a charge that no customer could allow, or another one under a
	// used id.
	ErrMandate = problem.NewYourTurn(422, "bank-mandate",
		"引き落としの依頼の内容が正しくありません。", "番号、上限、期限、4つの情報を確かめてください。使った番号は、同じ内容にだけ使えます。",
		"The request for a mandate is not whole.", "Check id, limits, end and the four attributes. A used id is for the same content alone.")
	// ErrMandateUnknown: no such mandate, or not of whoever asks.
	ErrMandateUnknown = problem.NewRefused(404, "bank-mandate-unknown",
		"その引き落としの許可はありません。", "番号を確かめてください。",
		"There is no such mandate.", "Check its number.")
	// ErrMandateCode: a code that is not of this mandate.
	ErrMandateCode = problem.NewRefused(403, "bank-mandate-code",
		"引き換えの番号が正しくありません。", "もう一度はじめから、口座をつないでください。",
		"The code is not of this mandate.", "Link the account again.")
	// ErrMandateOver: refused, lapsed, ended, or past its time.
	ErrMandateOver = problem.NewRefused(409, "bank-mandate-over",
		"この引き落としの許可は、終わっています。", "必要なら、もう一度はじめから口座をつないでください。",
		"This mandate is over.", "Link the account again if you need it.")
	// ErrChargeOnce, ErrChargeDay, ErrChargeFirst: over a limit. Nothing was taken.
	ErrChargeOnce = problem.NewRefused(409, "bank-charge-once",
		"1回の上限を超えています。", "引き落としていません。金額を小さくしてください。",
		"This is over the limit of one charge.", "Nothing was taken. Take less.")
	ErrChargeDay = problem.NewRefused(409, "bank-charge-day",
		"今日の上限を超えています。", "引き落としていません。明日、もう一度お試しください。",
		"This is over the limit of a day.", "Nothing was taken. Try again tomorrow.")
	ErrChargeFirst = problem.NewRefused(409, "bank-charge-first",
		"つないでから24時間は、あわせて10,000円までです。", "引き落としていません。金額を小さくするか、24時間待ってください。",
		"In the first 24 hours it is 10,000 yen in all.", "Nothing was taken. Take less, or wait.")
	// ErrCooling: more than goes out of an account in its first days.
	ErrCooling = problem.NewRefused(409, "bank-cooling",
		"口座を開いてから8日間は、1日に合わせて10,000円までしか出せません。", "お金は動いていません。金額を小さくするか、8日間が過ぎてからお試しください。",
		"In an account's first 8 days no more than 10,000 yen a day goes out of it in all.", "No money was moved. Take less, or wait until the days are over.")
	// ErrHeld: somebody put the account on hold by the link in the bank's letter.
	ErrHeld = problem.NewRefused(409, "bank-held",
		"口座が止められています。", "お金は動いていません。口座の持ち主が手形銀行にログインし、停止を解くか、開設を取り消してください。",
		"The account is on hold.", "No money was moved. Its owner logs in at the bank, and ends the hold or undoes the opening.")
	// ErrCooled: the days in which an opening is undone without a reason are over.
	ErrCooled = problem.NewRefused(409, "bank-undo-late",
		"口座の開設を取り消せる期間が過ぎました。", "何も変えていません。口座が要らないときは、ログインして解約してください。身に覚えがないときは、支店へお越しください。",
		"The days in which the opening could be undone are over.", "Nothing was changed. Log in and close the account if you do not need it. If it is not yours, come to a branch.")
	// ErrHoldLink: a link to hold an account that is in no letter, or serves no more.
	ErrHoldLink = problem.NewRefused(404, "bank-hold-link",
		"このリンクでは、口座を止められません。", "何も変えていません。リンクが手紙のとおりか、確かめてください。手紙のとおりなら、取り消せる期間が過ぎたか、口座が終わっています。身に覚えがないときは、支店へお越しください。",
		"This link holds no account.", "Nothing was changed. Compare it with the letter. If it is the letter's, the days in which the opening could be undone are over, or the account is. If it is not yours, come to a branch.")
	// ErrFunds: the account has not as much.
	ErrFunds = problem.NewRefused(409, "bank-charge-funds",
		"口座の残高が足りません。", "お金は動いていません。入金してから、もう一度お試しください。",
		"The account has not as much.", "No money was moved. Pay in, and try again.")
	// ErrHolder: the creditor's customer is somebody else than the one who logged in.
	ErrHolder = problem.NewRefused(403, "bank-holder",
		"別の方の口座はつなげません。", "相手のサービスの名義と、ログインした方の名前・住所・生年月日・性別が、同じではありません。引っ越しや改姓のあとなら、相手のサービスにもう一度ログインしてください。何も許可していません。",
		"Another person's account cannot be linked.", "Name, address, date of birth and sex at the other service are not those of whoever logged in. After a move or a new name, log in there again. Nothing was allowed.")
	// ErrNoAccount: whoever logged in has no account here.
	ErrNoAccount = problem.NewRefused(404, "bank-no-account",
		"手形銀行に、あなたの口座がありません。", "先に口座を開いてください。何も許可していません。",
		"You have no account here.", "Open one first. Nothing was allowed.")
	// ErrNotEmpty: an account with money in it is not closed.
	ErrNotEmpty = problem.NewYourTurn(409, "bank-not-empty",
		"口座にお金が残っています。", "すべて引き出してから、解約してください。",
		"There is money in the account.", "Take it all out before you close it.")
	// ErrSecurities: a deposit account over which a securities account's money moves.
	ErrSecurities = problem.NewYourTurn(409, "bank-securities",
		"この口座には、証券口座がつながっています。", "先に証券口座を解約してください。",
		"A securities account hangs on this account.", "Close that one first.")
	// ErrProvider: the provider refused this bank, or gave no usable answer.
	ErrProvider = problem.New(problem.CouldNotCheck, 502, "bank-provider",
		problem.Text{Title: "確認の窓口が、依頼を受け付けませんでした。", Detail: "何も保存していません。少し待って、もう一度お試しください。"},
		problem.Text{Title: "The login desk did not take the request.", Detail: "Nothing was stored. Wait a moment and try again."})
)
