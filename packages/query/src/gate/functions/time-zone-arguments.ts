/**
 * Where a function takes a time zone: the index of the first argument that may be one, by lower-case name. Determined
 * by calling every function of the engine with an invalid zone at every position; the soak test of time zones repeats
 * this.
 */
export const TIME_ZONE_FROM: ReadonlyMap<string, number> = new Map([
  ...from(
    0,
    `
    current_timestamp localtime localtimestamp now now64 nowInBlock nowInBlock64`,
  ),
  ...from(
    1,
    `
    DATE DAY DAYOFMONTH DAYOFYEAR from_utc_timestamp fromUnixTimestamp64Micro
    fromUnixTimestamp64Milli fromUnixTimestamp64Nano fromUnixTimestamp64Second fromUTCTimestamp HOUR
    LAST_DAY MICROSECOND MILLISECOND MINUTE MONTH monthName NANOSECOND parseDateTime32BestEffort
    parseDateTime32BestEffortOrNull parseDateTime32BestEffortOrZero parseDateTimeBestEffort
    parseDateTimeBestEffortOrNull parseDateTimeBestEffortOrZero parseDateTimeBestEffortUS
    parseDateTimeBestEffortUSOrNull parseDateTimeBestEffortUSOrZero QUARTER SECOND timeSlot
    timestamp timeZoneOffset timezoneOffset TO_DAYS to_utc_timestamp toDate toDate32 toDate32OrNull
    toDate32OrZero toDateOrNull toDateOrZero toDateTime toDateTime32 toDateTimeOrDefault
    toDateTimeOrNull toDateTimeOrZero toDayOfMonth toDayOfYear toDaysInMonth toDaysSinceYearZero
    toHour toISOWeek toISOYear toLastDayOfMonth toMicrosecond toMillisecond toMinute toMonday
    toMonth toMonthNumSinceEpoch toNanosecond toQuarter toRelativeDayNum toRelativeHourNum
    toRelativeMinuteNum toRelativeMonthNum toRelativeQuarterNum toRelativeSecondNum
    toRelativeWeekNum toRelativeYearNum toSecond toStartOfDay toStartOfFifteenMinutes
    toStartOfFiveMinute toStartOfFiveMinutes toStartOfHour toStartOfISOYear toStartOfMicrosecond
    toStartOfMillisecond toStartOfMinute toStartOfMonth toStartOfNanosecond toStartOfQuarter
    toStartOfSecond toStartOfTenMinutes toStartOfYear toString toTime toTimeWithFixedDate toTimeZone
    toTimezone toUnixTimestamp toUTCTimestamp toYear toYearNumSinceEpoch toYYYYMM toYYYYMMDD
    toYYYYMMDDhhmmss UUIDv7ToDateTime YEAR YYYYMMDDhhmmssToDateTime`,
  ),
  ...from(
    2,
    `
    addDays addHours addMicroseconds addMilliseconds addMinutes addMonths addNanoseconds addQuarters
    addSeconds addWeeks addYears date_bin DATE_FORMAT DATE_TRUNC dateName dateTrunc DAYOFWEEK
    formatDateTime formatDateTimeInJodaSyntax FROM_UNIXTIME fromUnixTimestamp
    fromUnixTimestampInJodaSyntax parseDateTime parseDateTime64 parseDateTime64BestEffort
    parseDateTime64BestEffortOrNull parseDateTime64BestEffortOrZero parseDateTime64BestEffortUS
    parseDateTime64BestEffortUSOrNull parseDateTime64BestEffortUSOrZero parseDateTime64OrNull
    parseDateTime64OrZero parseDateTimeOrNull parseDateTimeOrZero snowflakeIDToDateTime
    snowflakeIDToDateTime64 str_to_date subtractDays subtractHours subtractMicroseconds
    subtractMilliseconds subtractMinutes subtractMonths subtractNanoseconds subtractQuarters
    subtractSeconds subtractWeeks subtractYears time_bucket TO_UNIXTIME toDateTime64
    toDateTime64OrDefault toDateTime64OrNull toDateTime64OrZero toDayOfWeek toLastDayOfWeek
    toStartOfInterval toStartOfWeek toWeek toYearWeek tumble tumbleEnd tumbleStart week windowID
    yearweek YYYYMMDDhhmmssToDateTime64`,
  ),
  ...from(
    3,
    `
    age DATE_DIFF date_diff dateDiff hop hopEnd hopStart TIMESTAMP_DIFF timestamp_diff timestampDiff`,
  ),
  ...from(
    6,
    `
    makeDateTime`,
  ),
  ...from(
    8,
    `
    makeDateTime64`,
  ),
]);

function from(index: number, names: string): [string, number][] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name.toLowerCase(), index]);
}
