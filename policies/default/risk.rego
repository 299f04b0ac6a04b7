# How risky somebody says it is, and how sure the agent is of itself.
package annals.gate

thresholds := {"minimal": 0.50, "limited": 0.70, "high": 0.85, "systemic": 0.95}

deny contains {"rule": "risk.unknown_tier", "reason": sprintf("%v is no risk tier", [input.risk.tier])} if {
	input.risk.tier != null
	not thresholds[input.risk.tier]
}

questions contains {"rule": "risk.high", "reason": "the tier is high: a person decides", "fresh": true} if {
	input.risk.tier == "high"
}

questions contains {"rule": "risk.systemic", "reason": "the tier is systemic: two people decide", "approvals": 2, "fresh": true} if {
	input.risk.tier == "systemic"
}

questions contains {
	"rule": "risk.confidence",
	"reason": sprintf("a confidence of %v is below %v, the threshold of the tier %s", [input.risk.confidence, threshold, input.risk.tier]),
} if {
	threshold := thresholds[input.risk.tier]
	input.risk.confidence != null
	input.risk.confidence < threshold
}

questions contains {
	"rule": "risk.confidence_unsaid",
	"reason": sprintf("the tier is %s, and the agent does not say how sure it is", [input.risk.tier]),
} if {
	thresholds[input.risk.tier]
	input.risk.confidence == null
}

questions contains {
	"rule": "risk.automated",
	"reason": "an automated decision about people needs a confidence above 0.85",
} if {
	input.risk.automated
	not is_sure_enough_alone
}

is_sure_enough_alone if {
	input.risk.confidence != null
	input.risk.confidence > 0.85
}

obligations contains {"rule": "audit.risk", "reason": sprintf("the tier is %s", [input.risk.tier]), "do": "audit"} if {
	input.risk.tier in {"high", "systemic"}
}

obligations contains {"rule": "audit.cost", "reason": "more than 100 are expected to be spent", "do": "audit"} if {
	input.estimate.cost_micros > 100000000
}

# Money.

payment_limit_micros := 10000000000

amount := sprintf("%d.%06d", [floor(micros / 1000000), micros % 1000000]) if {
	micros := input.action.amount_micros
	micros != null
}

is_payment if input.gate == "payment"

is_payment if input.action.type in {"payment.send", "payment.execute"}

deny contains {"rule": "payment.no_amount", "reason": "the payment does not say how much"} if {
	is_payment
	input.action.amount_micros == null
}

questions contains {
	"rule": "payment.approval",
	"reason": sprintf("%s is to be paid", [amount]),
	"fresh": true,
} if {
	is_payment
	input.action.amount_micros != null
	input.action.amount_micros <= payment_limit_micros
}

questions contains {
	"rule": "payment.two_approvals",
	"reason": sprintf("%s is to be paid, above the limit: two people decide", [amount]),
	"approvals": 2,
	"fresh": true,
} if {
	is_payment
	input.action.amount_micros != null
	input.action.amount_micros > payment_limit_micros
}

obligations contains {"rule": "audit.payment", "reason": "money moves", "do": "audit"} if is_payment
