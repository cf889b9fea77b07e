/** Functions of other SQL dialects that ClickHouse lacks, or has with other arguments, and their replacements. */
const FOREIGN: readonly (readonly [names: string, instead: string])[] = [
  ['to_char strftime', "formatDateTime(timestamp, '%Y-%m-%d')"],
  ['nvl ifnull isnull zeroifnull', 'ifNull(x, y), or coalesce(x, y, …)'],
  [
    'approx_count_distinct approx_distinct countdistinct count_distinct hll_count ndv',
    'uniq(x), or uniqExact(x)',
  ],
  ['getdate getutcdate sysdate systimestamp sysdatetime localtimestamp', 'now(), or now64(3)'],
  ['datediff date_diff timestampdiff timestamp_diff', "dateDiff('day', start, end)"],
  ['months_between', "dateDiff('month', start, end)"],
  ['date_add dateadd timestampadd', 'timestamp + INTERVAL 1 DAY'],
  ['add_months', 'addMonths(timestamp, 1)'],
  ['date_part datepart', 'toHour(timestamp), toDayOfWeek(timestamp), toYear(timestamp), …'],
  ['time_bucket date_bin', 'toStartOfInterval(timestamp, INTERVAL 15 MINUTE)'],
  ['trunc date_trunc datetrunc', "dateTrunc('day', timestamp), or toStartOfDay(timestamp)"],
  [
    'to_timestamp str_to_date parse_datetime parse_timestamp',
    "parseDateTimeBestEffort(x), or toDateTime64('2026-11-30 10:00:00', 3)",
  ],
  ['listagg string_agg group_concat wm_concat', "arrayStringConcat(groupArray(x), ',')"],
  ['array_agg collect_list', 'groupArray(x)'],
  ['collect_set', 'groupUniqArray(x)'],
  [
    'json_extract json_extract_scalar json_extract_path json_extract_path_text jsonb_extract_path_text get_json_object json_query_scalar parse_json json_unquote',
    "JSONExtractString(properties, 'key'), JSONExtractFloat, JSONExtractInt or JSONExtractBool",
  ],
  ['jsonb_object_keys json_object_keys json_keys object_keys', 'JSONExtractKeys(properties)'],
  ['iif iff', 'if(condition, a, b)'],
  ['decode', 'CASE x WHEN … THEN … ELSE … END'],
  ['percentile percentile_cont percentile_disc approx_percentile approx_quantiles', 'quantile(0.95)(x)'],
  ['to_date', 'toDate(x)'],
  ['to_number try_to_number safe_cast try_cast', 'toFloat64OrNull(x), or toInt64OrNull(x)'],
  ['to_varchar to_text str', 'toString(x)'],
  ['regexp_like regexp_contains regexp_matches rlike', "match(x, 'pattern')"],
  ['regexp_substr', "extract(x, 'pattern')"],
  ['charindex instr strpos', "position(x, 'part')"],
  ['len', 'length(x)'],
  ['unnest explode flatten generate_subscripts', 'arrayJoin(x), or ARRAY JOIN x'],
  ['max_by', 'argMax(x, by)'],
  ['min_by', 'argMin(x, by)'],
  ['arbitrary', 'any(x)'],
  ['bool_or logical_or', 'max(x)'],
  ['bool_and logical_and every', 'min(x)'],
  ['mode', 'topK(1)(x)[1]'],
  ['safe_divide div0 try_divide', 'if(b = 0, NULL, a / b)'],
  ['newid gen_random_uuid uuid', 'generateUUIDv4()'],
  ['dayname', "dateName('weekday', timestamp)"],
  ['monthname', "dateName('month', timestamp)"],
  ['ratio_to_report', 'x / sum(x) OVER ()'],
];

const INSTEAD: ReadonlyMap<string, string> = new Map(
  FOREIGN.flatMap(([names, instead]) => names.split(' ').map((name) => [name, instead] as const)),
);

/** The replacement of a function; undefined if it does not belong to another dialect. */
export function insteadOf(name: string): string | undefined {
  const instead = INSTEAD.get(name.toLowerCase());
  return instead === undefined ? undefined : `In ClickHouse SQL, write ${instead}.`;
}
