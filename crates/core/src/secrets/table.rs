//! The built-in rules for tokens that say by their shape what they are.
//!
//! Written from what the vendors document of their formats; a new vendor is a new line. Ids are
//! persisted: never reuse one for another kind of secret.

use super::rule::{Edges, TokenRule};

const fn rule(
    id: &'static str,
    literals: &'static [&'static str],
    pattern: &'static str,
    entropy_min: f64,
) -> TokenRule {
    TokenRule { id, literals, pattern, entropy_min, edges: Edges::Word }
}

const fn dotless(
    id: &'static str,
    literals: &'static [&'static str],
    pattern: &'static str,
    entropy_min: f64,
) -> TokenRule {
    TokenRule { id, literals, pattern, entropy_min, edges: Edges::WordOrDot }
}

const fn inside(
    id: &'static str,
    literals: &'static [&'static str],
    pattern: &'static str,
    entropy_min: f64,
) -> TokenRule {
    TokenRule { id, literals, pattern, entropy_min, edges: Edges::Any }
}

/// All token rules, our own tokens first: where two fit, the earlier one names the secret.
pub(super) const TOKEN_RULES: &[TokenRule] = &[
    rule("annals_token", &["annals_"], r"annals_[a-z]+_[0-9a-zA-Z]+_[0-9a-f]{64}", 3.0),
    // Models.
    rule("anthropic_api_key", &["sk-ant-"], r"sk-ant-[a-z]{2,12}[0-9]{2}-[A-Za-z0-9_-]{20,}", 3.0),
    rule(
        "openai_api_key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"],
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}",
        3.0,
    ),
    rule("openrouter_api_key", &["sk-or-"], r"sk-or-v[0-9]-[0-9a-f]{40,}", 3.0),
    rule("langfuse_secret_key", &["sk-lf-"], r"sk-lf-[0-9a-f-]{32,40}", 3.0),
    rule("sk_api_key", &["sk-"], r"sk-[A-Za-z0-9]{20,}", 3.5),
    rule("huggingface_token", &["hf_", "api_org_"], r"(?:hf|api_org)_[A-Za-z0-9]{30,40}", 3.0),
    rule("groq_api_key", &["gsk_"], r"gsk_[A-Za-z0-9]{40,}", 3.0),
    rule("xai_api_key", &["xai-"], r"xai-[A-Za-z0-9]{60,}", 3.0),
    rule("perplexity_api_key", &["pplx-"], r"pplx-[A-Za-z0-9]{40,}", 3.0),
    rule("replicate_token", &["r8_"], r"r8_[A-Za-z0-9]{37,40}", 3.0),
    rule("fireworks_api_key", &["fw_"], r"fw_[A-Za-z0-9]{22,26}", 3.5),
    rule("tavily_api_key", &["tvly-"], r"tvly-[A-Za-z0-9-]{28,}", 3.0),
    rule("pinecone_api_key", &["pcsk_"], r"pcsk_[A-Za-z0-9_]{40,}", 3.0),
    rule("langsmith_api_key", &["lsv2_"], r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}", 3.0),
    rule("wandb_api_key", &["wandb_v1_"], r"wandb_v1_[A-Za-z0-9_]{40,}", 3.0),
    // Code and packages.
    rule(
        "github_token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"gh[pousr]_[A-Za-z0-9]{36,255}",
        3.0,
    ),
    rule("github_pat", &["github_pat_"], r"github_pat_[A-Za-z0-9_]{22,255}", 3.0),
    rule(
        "gitlab_token",
        &["glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-"],
        r"gl(?:pat|dt|rt|ptt|ft|imt|agent|oas|soat)-[A-Za-z0-9_-]{20,}(?:\.[0-9a-z]{2}\.[0-9a-z]{7,9})?",
        3.0,
    ),
    rule("npm_token", &["npm_"], r"npm_[A-Za-z0-9]{36}", 3.0),
    rule("pypi_token", &["pypi-"], r"pypi-[A-Za-z0-9_-]{50,}", 3.0),
    rule("rubygems_token", &["rubygems_"], r"rubygems_[0-9a-f]{48}", 3.0),
    rule("crates_io_token", &["cio"], r"cio[A-Za-z0-9]{32}", 3.5),
    rule("docker_token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_-]{20,}", 3.0),
    rule("artifactory_token", &["AKCp"], r"AKCp[A-Za-z0-9]{60,}", 3.0),
    rule("atlassian_token", &["ATATT3", "ATCTT3"], r"AT[AC]TT3[A-Za-z0-9_=-]{60,}", 3.0),
    rule("bitbucket_token", &["ATBB"], r"ATBB[A-Za-z0-9]{24,}", 3.5),
    // Clouds.
    rule(
        "aws_access_key_id",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"A(?:KI|SI|BI|CC)A[A-Z0-9]{16}",
        3.0,
    ),
    rule("aws_bedrock_api_key", &["ABSK"], r"ABSK[A-Za-z0-9+/]{100,140}={0,2}", 2.5),
    rule(
        "aws_bedrock_api_key",
        &["bedrock-api-key-"],
        r"bedrock-api-key-[A-Za-z0-9+/]{40,}={0,2}",
        3.0,
    ),
    rule("gcp_api_key", &["AIza"], r"AIza[A-Za-z0-9_-]{35}", 3.0),
    rule("google_oauth_token", &["ya29."], r"ya29\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*", 3.0),
    rule("google_oauth_secret", &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{28}", 3.0),
    rule("google_refresh_token", &["1//0"], r"1//0[A-Za-z0-9_-]{40,}", 3.5),
    inside("azure_storage_key", &["AccountKey="], r"AccountKey=([A-Za-z0-9+/]{43,88}={0,2})", 3.0),
    inside("azure_sas_signature", &["sig="], r"sig=([A-Za-z0-9%+/]{40,}(?:%3[dD]|=){1,2})", 3.5),
    rule("digitalocean_token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"do[opr]_v1_[0-9a-f]{64}", 3.0),
    rule("heroku_api_key", &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,64}", 3.0),
    rule(
        "fly_token",
        &["fo1_", "fm1r_", "fm2_"],
        r"(?:fo1_|fm1r_|fm2_)[A-Za-z0-9+/_-]{40,}={0,2}",
        3.0,
    ),
    rule("netlify_token", &["nfp_"], r"nfp_[A-Za-z0-9]{36,}", 3.0),
    rule("planetscale_token", &["pscale_"], r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_-]{32,}", 3.0),
    rule(
        "supabase_token",
        &["sbp_", "sb_secret_"],
        r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,})",
        3.0,
    ),
    rule("databricks_token", &["dapi"], r"dapi[0-9a-f]{32}(?:-[0-9])?", 3.0),
    rule("vault_token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_-]{24,}", 3.0),
    inside("terraform_token", &[".atlasv1."], r"(\.atlasv1\.[A-Za-z0-9_=-]{60,})", 3.5),
    rule(
        "doppler_token",
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa."],
        r"dp\.(?:pt|st|ct|sa)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
        3.0,
    ),
    dotless("infracost_api_key", &["ico-"], r"ico-[A-Za-z0-9]{32}", 3.0),
    rule("scalingo_token", &["tk-us-"], r"tk-us-[A-Za-z0-9_-]{48}", 3.0),
    // Talking and paying.
    rule(
        "slack_token",
        &["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"],
        r"xox[abeoprs]-(?:[0-9]{1,14}-)+[A-Za-z0-9-]{10,}",
        3.0,
    ),
    rule("slack_token", &["xoxe.xox"], r"xoxe\.xox[bp]-[0-9]-[A-Za-z0-9]{60,}", 3.0),
    rule("slack_app_token", &["xapp-"], r"xapp-[0-9]-[A-Z0-9]{8,}-[0-9]{8,}-[0-9a-f]{32,}", 3.0),
    inside(
        "slack_webhook",
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/((?:services|workflows|triggers)/[A-Za-z0-9]{6,}/[A-Za-z0-9+/]{20,})",
        3.0,
    ),
    inside(
        "teams_webhook",
        &["webhook.office.com/"],
        r"webhook\.office\.com/(webhookb2/[0-9A-Za-z@-]{20,}/IncomingWebhook/[0-9a-z]{32}/[0-9a-z-]{36}[0-9A-Za-z_/-]*)",
        3.0,
    ),
    inside(
        "discord_webhook",
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/([0-9]{17,20}/[A-Za-z0-9_-]{60,70})",
        3.0,
    ),
    inside("telegram_token", &[":AA"], r":(AA[A-Za-z0-9_-]{33})\b", 3.5),
    rule(
        "stripe_key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_"],
        r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}",
        3.0,
    ),
    rule("stripe_webhook_secret", &["whsec_"], r"whsec_[A-Za-z0-9+/]{24,}={0,2}", 3.0),
    rule(
        "square_token",
        &["sq0atp-", "sq0csp-", "sq0idp-"],
        r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}",
        3.0,
    ),
    rule("square_token", &["EAAA"], r"EAAA[A-Za-z0-9_-]{60}", 3.5),
    rule("facebook_token", &["EAAM", "EAAC", "EAAG", "EAAB"], r"EAA[MCGB][A-Za-z0-9]{60,}", 3.5),
    rule("twilio_api_key", &["SK"], r"SK[0-9a-f]{32}", 3.0),
    rule("sendgrid_api_key", &["SG."], r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}", 3.0),
    rule("mailgun_api_key", &["key-"], r"key-[0-9a-f]{32}", 3.0),
    rule(
        "shopify_token",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
        3.0,
    ),
    // Tools of the trade.
    rule(
        "grafana_token",
        &["glc_", "glsa_"],
        r"gl(?:c_[A-Za-z0-9+/]{32,}={0,2}|sa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8})",
        3.0,
    ),
    rule("linear_api_key", &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", 3.0),
    rule("notion_token", &["ntn_", "secret_"], r"(?:ntn|secret)_[A-Za-z0-9]{40,50}", 3.5),
    rule("figma_token", &["figd_", "figdr_"], r"figdr?_[A-Za-z0-9_-]{36,}", 3.0),
    rule("postman_api_key", &["PMAK-"], r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", 3.0),
    rule("newrelic_key", &["NRAK-", "NRJS-"], r"NR(?:AK|JS)-[A-Za-z0-9]{19,32}", 3.0),
    rule(
        "sentry_token",
        &["sntrys_", "sntryu_"],
        r"sntry(?:s_eyJ[A-Za-z0-9+/=_-]{40,}|u_[0-9a-f]{64})",
        3.0,
    ),
    rule(
        "dynatrace_token",
        &["dt0c01.", "dt0s01."],
        r"dt0[cs]01\.[A-Z0-9]{8,24}\.[A-Z0-9]{60,}",
        3.0,
    ),
    rule(
        "onepassword_secret_key",
        &["A3-"],
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
        3.0,
    ),
    rule("onepassword_service_token", &["ops_eyJ"], r"ops_eyJ[A-Za-z0-9+/_-]{80,}={0,2}", 3.0),
    rule("age_secret_key", &["AGE-SECRET-KEY-1"], r"AGE-SECRET-KEY-1[A-Z0-9]{58}", 3.0),
    // Of many makers: the signature may be empty, and encrypted ones have five parts.
    rule(
        "jwt",
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{10,}(?:\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})",
        3.0,
    ),
];
