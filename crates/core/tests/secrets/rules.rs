//! One made-up secret for every rule, found under its rule and gone from the text.

use annals_core::secrets::Scanner;

use crate::support::{ALNUM, Find, HEX, UPPER, WORD, finds, noise, redacted};

/// A rule, a text before its secret, the secret, and a text behind it.
struct Case {
    rule: &'static str,
    before: String,
    secret: String,
    behind: &'static str,
}

fn case(rule: &'static str, before: &str, secret: impl Into<String>, behind: &'static str) -> Case {
    Case { rule, before: before.to_owned(), secret: secret.into(), behind }
}

/// `prefix` and `length` letters of an alphabet.
fn token(prefix: &str, alphabet: &str, length: usize) -> String {
    format!("{prefix}{}", noise(alphabet, length, prefix.len() as u64 + 40))
}

fn models_and_code() -> Vec<Case> {
    let alone = |rule, prefix: &str, alphabet, length| {
        case(rule, "it is ", token(prefix, alphabet, length), " here")
    };
    vec![
        alone("annals_token", "annals_reader_0123456789abcdef_", HEX, 64),
        alone("anthropic_api_key", "sk-ant-api03-", WORD, 93),
        alone("openai_api_key", "sk-proj-", WORD, 120),
        alone("openai_api_key", "sk-svcacct-", WORD, 120),
        alone("openrouter_api_key", "sk-or-v1-", HEX, 64),
        alone("langfuse_secret_key", "sk-lf-", HEX, 36),
        alone("sk_api_key", "sk-", ALNUM, 48),
        alone("huggingface_token", "hf_", ALNUM, 34),
        alone("groq_api_key", "gsk_", ALNUM, 52),
        alone("xai_api_key", "xai-", ALNUM, 80),
        alone("perplexity_api_key", "pplx-", ALNUM, 48),
        alone("replicate_token", "r8_", ALNUM, 37),
        alone("fireworks_api_key", "fw_", ALNUM, 24),
        alone("tavily_api_key", "tvly-", ALNUM, 32),
        alone("pinecone_api_key", "pcsk_", ALNUM, 70),
        case(
            "langsmith_api_key",
            "",
            format!("{}_{}", token("lsv2_pt_", HEX, 32), noise(HEX, 10, 3)),
            "",
        ),
        alone("wandb_api_key", "wandb_v1_", ALNUM, 60),
        alone("github_token", "ghp_", ALNUM, 36),
        alone("github_token", "gho_", ALNUM, 36),
        alone("github_token", "ghs_", ALNUM, 36),
        case(
            "github_pat",
            "",
            format!("{}_{}", token("github_pat_", ALNUM, 22), noise(ALNUM, 59, 1)),
            "",
        ),
        alone("gitlab_token", "glpat-", WORD, 20),
        case(
            "gitlab_token",
            "",
            format!("{}.01.{}", token("glpat-", ALNUM, 27), noise("0123456789abcdefghij", 9, 5)),
            " end",
        ),
        alone("npm_token", "npm_", ALNUM, 36),
        alone("pypi_token", "pypi-AgEIcHlwaS5vcmc", WORD, 80),
        alone("rubygems_token", "rubygems_", HEX, 48),
        alone("crates_io_token", "cio", ALNUM, 32),
        alone("docker_token", "dckr_pat_", ALNUM, 27),
        alone("artifactory_token", "AKCp", ALNUM, 69),
        alone("atlassian_token", "ATATT3", ALNUM, 120),
        alone("bitbucket_token", "ATBB", ALNUM, 32),
    ]
}

fn clouds() -> Vec<Case> {
    let alone = |rule, prefix: &str, alphabet, length| {
        case(rule, "(", token(prefix, alphabet, length), ")")
    };
    vec![
        alone("aws_access_key_id", "AKIA", UPPER, 16),
        alone("aws_access_key_id", "ASIA", UPPER, 16),
        alone("aws_bedrock_api_key", "ABSK", ALNUM, 128),
        alone("gcp_api_key", "AIza", ALNUM, 35),
        alone("google_oauth_token", "ya29.", WORD, 60),
        alone("google_oauth_secret", "GOCSPX-", ALNUM, 28),
        alone("google_refresh_token", "1//0", ALNUM, 60),
        case(
            "azure_storage_key",
            "AccountName=a;AccountKey=",
            format!("{}==", noise(ALNUM, 86, 9)),
            ";Suffix=b",
        ),
        case(
            "azure_sas_signature",
            "https://a.b/c?sp=r&sig=",
            format!("{}%3D", noise(ALNUM, 43, 9)),
            "&se=1",
        ),
        alone("digitalocean_token", "dop_v1_", HEX, 64),
        alone("heroku_api_key", "HRKU-AA", WORD, 58),
        alone("fly_token", "fm2_", ALNUM, 80),
        alone("netlify_token", "nfp_", ALNUM, 40),
        alone("planetscale_token", "pscale_tkn_", ALNUM, 43),
        alone("supabase_token", "sbp_", HEX, 40),
        alone("databricks_token", "dapi", HEX, 32),
        alone("vault_token", "hvs.", ALNUM, 24),
        case("terraform_token", "abcdefghijklmn", token(".atlasv1.", ALNUM, 67), ""),
        alone("doppler_token", "dp.pt.", ALNUM, 43),
        alone("infracost_api_key", "ico-", ALNUM, 32),
        alone("scalingo_token", "tk-us-", ALNUM, 48),
    ]
}

fn talking_and_paying() -> Vec<Case> {
    let alone = |rule, prefix: &str, alphabet, length| {
        case(rule, "\"", token(prefix, alphabet, length), "\"")
    };
    let team =
        format!("services/T{}/B{}/{}", noise(UPPER, 8, 1), noise(UPPER, 8, 2), noise(ALNUM, 24, 3));
    let office = format!(
        "webhookb2/{uuid}@{uuid}/IncomingWebhook/{}/{uuid}",
        noise(HEX, 32, 4),
        uuid = "0190b3c4-1111-4abc-8def-0123456789ab"
    );
    vec![
        alone("slack_token", "xoxb-123456789012-", ALNUM, 24),
        alone("slack_token", "xoxe.xoxp-1-", ALNUM, 150),
        alone("slack_app_token", "xapp-1-A0123456789-1234567890123-", HEX, 64),
        case("slack_webhook", "https://hooks.slack.com/", team, ""),
        case("teams_webhook", "https://x.webhook.office.com/", office, " "),
        case(
            "discord_webhook",
            "https://discord.com/api/webhooks/",
            format!("123456789012345678/{}", noise(ALNUM, 68, 5)),
            " ",
        ),
        case("telegram_token", "bot123456789:", token("AA", ALNUM, 33), "/x"),
        alone("stripe_key", "sk_live_", ALNUM, 24),
        alone("stripe_key", "rk_test_", ALNUM, 24),
        alone("stripe_webhook_secret", "whsec_", ALNUM, 32),
        alone("square_token", "sq0atp-", ALNUM, 22),
        alone("square_token", "EAAA", ALNUM, 60),
        alone("facebook_token", "EAAM", ALNUM, 150),
        alone("twilio_api_key", "SK", HEX, 32),
        case(
            "sendgrid_api_key",
            "",
            format!("{}.{}", token("SG.", ALNUM, 22), noise(ALNUM, 43, 6)),
            "",
        ),
        alone("mailgun_api_key", "key-", HEX, 32),
        alone("shopify_token", "shpat_", HEX, 32),
        alone("grafana_token", "glc_", ALNUM, 80),
        case(
            "grafana_token",
            "",
            format!("{}_{}", token("glsa_", ALNUM, 32), noise(HEX, 8, 7)),
            "",
        ),
        alone("linear_api_key", "lin_api_", ALNUM, 40),
        alone("notion_token", "ntn_", ALNUM, 46),
        alone("figma_token", "figd_", ALNUM, 40),
        case(
            "postman_api_key",
            "",
            format!("{}-{}", token("PMAK-", HEX, 24), noise(HEX, 34, 8)),
            "",
        ),
        alone("newrelic_key", "NRAK-", UPPER, 27),
        alone("sentry_token", "sntryu_", HEX, 64),
        case(
            "dynatrace_token",
            "",
            format!("{}.{}", token("dt0c01.", UPPER, 24), noise(UPPER, 64, 9)),
            "",
        ),
        case(
            "onepassword_secret_key",
            "",
            format!(
                "A3-{}-{}-{}-{}-{}",
                noise(UPPER, 6, 1),
                noise(UPPER, 11, 2),
                noise(UPPER, 5, 3),
                noise(UPPER, 5, 4),
                noise(UPPER, 5, 5)
            ),
            "",
        ),
        alone("onepassword_service_token", "ops_eyJ", ALNUM, 100),
        alone("age_secret_key", "AGE-SECRET-KEY-1", UPPER, 58),
        case(
            "jwt",
            "",
            format!(
                "{}.{}.{}",
                token("eyJ", ALNUM, 33),
                token("eyJ", ALNUM, 60),
                noise(WORD, 43, 2)
            ),
            " ",
        ),
    ]
}

fn places() -> Vec<Case> {
    let body: Vec<String> = (0..5).map(|seed| noise(ALNUM, 64, seed + 1)).collect();
    let pem =
        format!("-----BEGIN {0}-----\n{1}\n-----END {0}-----", "RSA PRIVATE KEY", body.join("\n"));
    let id = token("AKIA", UPPER, 16);
    let basic = "dXNlcjp6MTIzNDU2Nzg5";
    vec![
        case("private_key", "key:\n", pem, "\nend"),
        case("url_password", "postgres://app:", "z7!kQ2mw", "@db.local/x"),
        case("curl_password", "curl -s -u 'me:", "z7!kQ2mw", "' https://a.b"),
        case("bearer_token", "Bearer ", noise(ALNUM, 40, 3), "\n"),
        case("basic_auth", "Basic ", basic, "\n"),
        case(
            "aws_secret_access_key",
            &format!("{id} and "),
            noise(&format!("{ALNUM}/+"), 40, 4),
            " ",
        ),
        case("password", "password = \"", "z7!kQ2mw", "\""),
        case("password", "DB_PASSWORD=", "z7kQ2mwx", "\n"),
        case("named_key", "X-API-Key: ", noise(ALNUM, 24, 5), "\n"),
        case("named_key", "--api-key ", noise(ALNUM, 24, 5), " --x"),
        case("named_key", "the API key is ", noise(ALNUM, 24, 5), ", thanks"),
        case("named_secret", "client_secret=", noise(ALNUM, 24, 6), "&x=1"),
        case("named_secret", "<secret>", noise(ALNUM, 24, 6), "</secret>"),
        case("named_token", "{\\\"token\\\": \\\"", noise(ALNUM, 24, 7), "\\\"}"),
        case("named_token", "export APP_TOKEN='", noise(ALNUM, 24, 7), "'"),
        case("authorization", "Authorization: ApiKey ", noise(ALNUM, 24, 8), "\n"),
        case("cookie", "Cookie: theme=dark; sid=", noise(ALNUM, 24, 9), "; x=1"),
    ]
}

fn cases() -> Vec<Case> {
    [models_and_code(), clouds(), talking_and_paying(), places()].into_iter().flatten().collect()
}

#[test]
fn every_rule_finds_its_secret_and_nothing_else_of_the_text_changes() {
    for Case { rule, before, secret, behind } in cases() {
        let text = format!("{before}{secret}{behind}");
        let after = redacted(&text);
        let found = finds(&text, &after);
        let find = found.iter().find(|find| find.secret == secret);
        assert!(
            find.is_some_and(|find| find.rule == rule),
            "{rule} is not found as {secret} in {text}: {found:?}"
        );
        assert!(!after.contains(&secret), "{after}");
        assert!(after.ends_with(behind), "{after}");
        assert_eq!(redacted(&after), after, "twice is once");
    }
}

#[test]
fn every_rule_has_a_case() {
    let cases = cases();
    for rule in Scanner::builtin().rule_ids() {
        assert!(cases.iter().any(|case| case.rule == rule), "{rule} has no case");
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    let uuid = "0190b3c4-1111-4abc-8def-0123456789ab";
    let sha = noise(HEX, 64, 1);
    for text in [
        "Bearer of bad news and basic authentication with a bearer token".to_owned(),
        format!("commit {sha} of run {uuid}, session_id: {uuid}, token: {uuid}"),
        format!("toolu_{}", noise(ALNUM, 24, 1)),
        format!("data:image/png;base64,iVBORw0KGgo{}", noise(ALNUM, 400, 1)),
        "input_tokens: 123456789012345678901234, max_tokens=4096".to_owned(),
        "password: string, password = get_password(), token = ctx.token".to_owned(),
        "API_KEY=${API_KEY} TOKEN=$TOKEN SECRET=<your-secret> PASSWORD=changeme".to_owned(),
        "https://user:password@host https://example.org/@a https://x:${PASS}@h".to_owned(),
        "sk-learn task-0123456789012345678901234567890123456789".to_owned(),
        format!("ghp_{} glpat-{}", "x".repeat(36), "x".repeat(20)),
        format!("next_page_token: {} cache_key={}", noise(ALNUM, 30, 2), noise(ALNUM, 30, 3)),
        "SECRET_PATH=/run/secrets/token secret_file: ./a/b.txt".to_owned(),
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----".to_owned(),
    ] {
        let after = redacted(&text);
        assert_eq!(finds(&text, &after), Vec::<Find>::new(), "{text}");
    }
}
