/** Functions that a query may not call, with the reason for the error message. */
export interface RefusedGroup {
  readonly group: string;
  /** Completes "refused because"; also guides the reviewer of a new function. */
  readonly reason: string;
  /** The alternative, if there is one. */
  readonly hint?: string;
  readonly names: readonly string[];
}

/**
 * Every function of the engine that tenants may not call. A name is rejected in any letter case, although the engine
 * distinguishes some, and with any aggregate combinator.
 */
export const REFUSED_GROUPS: readonly RefusedGroup[] = [
  {
    group: 'host files',
    reason: 'it reads files of the host',
    names: names('file'),
  },
  {
    group: 'identity',
    reason: 'it tells who runs the query and on what machine',
    names: names(`
      authUser authenticatedUser connectionId connection_id currentDatabase currentProfiles currentQueryID
      currentRoles currentSchemas currentUser current_database current_query_id current_schemas current_user DATABASE
      defaultProfiles defaultRoles displayName enabledProfiles enabledRoles FQDN fullHostName generateSnowflakeID
      getClientHTTPHeader hostName hostname initialQueryID initialQueryStartTime initial_query_id
      initial_query_start_time queryID query_id SCHEMA serverUUID session_user user`),
  },
  {
    group: 'server state',
    reason: 'it tells the state or the settings of the server',
    names: names(`
      buildId chdb cutToFirstSignificantSubdomainCustom cutToFirstSignificantSubdomainCustomRFC
      cutToFirstSignificantSubdomainCustomWithWWW cutToFirstSignificantSubdomainCustomWithWWWRFC errorCodeToName
      filesystemAvailable filesystemCapacity filesystemUnreserved firstSignificantSubdomainCustom
      firstSignificantSubdomainCustomRFC getMacro getMaxTableNameLengthForDatabase getMergeTreeSetting
      getOSKernelVersion getServerPort getServerSetting getSetting getSettingOrDefault globalVariable
      hasColumnInTable hasThreadFuzzer revision runningConcurrency serverTimeZone serverTimezone shardCount shardNum
      showCertificate tcpPort transactionID transactionLatestSnapshot transactionOldestSnapshot uptime version
      zookeeperSessionUptime`),
  },
  {
    group: 'introspection',
    reason: 'it looks behind the result, at how the engine stores or runs it, and other projects share that',
    names: names(`
      addressToLine addressToLineWithInlines addressToSymbol blockNumber blockSerializedSize blockSize demangle
      dumpColumnStructure estimateCompressionRatio flameGraph getTypeSerializationStreams indexHint
      isMergeTreePartCoveredBy logTrace lowCardinalityIndices lowCardinalityKeys mergeTreePartInfo rowNumberInBlock tid`),
  },
  {
    group: 'blocks',
    reason: 'its result shows where the engine cut the rows into blocks, and other projects share those',
    hint: 'Use a window function, such as lagInFrame(x) OVER (ORDER BY timestamp), or now().',
    names: names(
      'neighbor nowInBlock nowInBlock64 runningDifference runningDifferenceStartingWithFirstValue',
    ),
  },
  {
    group: 'oracles',
    reason: 'it raises errors on keys of the index, which the engine tries before any row is filtered',
    hint: 'Use accurateCastOrNull().',
    names: names('accurateCast'),
  },
  {
    group: 'dictionaries and join tables',
    reason: 'it reads tables that are not public',
    hint: 'Join a sub-select, or use transform() for small mappings.',
    names: names(`
      dictGet dictGetAll dictGetChildren dictGetDate dictGetDateOrDefault dictGetDateTime dictGetDateTimeOrDefault
      dictGetDescendants dictGetFloat32 dictGetFloat32OrDefault dictGetFloat64 dictGetFloat64OrDefault
      dictGetHierarchy dictGetIPv4 dictGetIPv4OrDefault dictGetIPv6 dictGetIPv6OrDefault dictGetInt16
      dictGetInt16OrDefault dictGetInt32 dictGetInt32OrDefault dictGetInt64 dictGetInt64OrDefault dictGetInt8
      dictGetInt8OrDefault dictGetKeys dictGetOrDefault dictGetOrNull dictGetRoot dictGetString
      dictGetStringOrDefault dictGetUInt16 dictGetUInt16OrDefault dictGetUInt32 dictGetUInt32OrDefault dictGetUInt64
      dictGetUInt64OrDefault dictGetUInt8 dictGetUInt8OrDefault dictGetUUID dictGetUUIDOrDefault dictHas dictIsIn
      joinGet joinGetOrNull regionHierarchy regionIn regionToArea regionToCity regionToContinent regionToCountry
      regionToDistrict regionToName regionToPopulation regionToTopContinent`),
  },
  {
    group: 'models and other services',
    reason: 'it calls another service or runs a model',
    names: names(`
      AIClassify AIExtract AIGenerate AITranslate aiClassify aiEmbed aiExtract aiGenerate aiTranslate
      catboostEvaluate evalMLMethod naiveBayesClassifier naiveBayesClassifierWithAllProbs
      naiveBayesClassifierWithProb naiveBayesNgrams stochasticLinearRegression stochasticLogisticRegression`),
  },
  {
    group: 'side effects',
    reason: 'it does something beside making a value',
    names: names('aggThrow generateSerialID sleep sleepEachRow timeSeriesStoreTags'),
  },
  {
    group: 'parser tools',
    reason: 'it runs the parser on text',
    names: names(`
      formatQuery formatQueryOrNull formatQuerySingleLine formatQuerySingleLineOrNull fuzzQuery
      generateRandomStructure highlightQuery normalizeQuery normalizeQueryKeepNames normalizedQueryHash
      normalizedQueryHashKeepNames obfuscateQuery obfuscateQueryWithSeed structureToCapnProtoSchema
      structureToProtobufSchema tokenizeQuery`),
  },
  {
    group: 'output formats',
    reason: 'it runs an output format of the engine, and some of those read files',
    hint: 'Use toJSONString(tuple(…)) or format().',
    names: names('formatRow formatRowNoNewline groupFormat'),
  },
  {
    group: 'crafted states',
    reason: 'it makes aggregate states that the engine does not check',
    hint: 'Make states with the -State combinators, such as sumState(x).',
    names: names('initializeAggregation nothing nothingNull nothingUInt64 runningAccumulate'),
  },
  {
    group: 'files as time zones',
    reason: 'it takes the names of time zones from data, and such a name can make the engine open a file',
    hint: 'Use parseDateTime() or parseDateTimeBestEffort().',
    names: names(`
      parseDateTime64InJodaSyntax parseDateTime64InJodaSyntaxOrNull parseDateTime64InJodaSyntaxOrZero
      parseDateTimeInJodaSyntax parseDateTimeInJodaSyntaxOrNull parseDateTimeInJodaSyntaxOrZero`),
  },
  {
    group: 'out of bounds',
    reason: 'neither the time nor the memory it takes can be limited',
    names: names(`
      arrayLevenshteinDistance arrayLevenshteinDistanceWeighted arraySimilarity h3PolygonToCells hasSubstr printf
      seriesDecomposeSTL`),
  },
  {
    group: 'the engine’s own',
    reason: 'the engine keeps it for itself',
    names: names(`
      __actionName __applyFilter __bitBoolMaskAnd __bitBoolMaskOr __bitSwapLastTwo __bitWrapperFunc __getScalar
      __patchPartitionID __scalarSubqueryResult __toYearCalendarOnly nested validateNestedArraySizes
      timeSeriesChangesToGrid timeSeriesCopyTag timeSeriesCopyTags timeSeriesDeltaToGrid timeSeriesDerivToGrid
      timeSeriesExtractTag timeSeriesFromGrid timeSeriesGroupArray timeSeriesGroupToSamplingKey
      timeSeriesGroupToTags timeSeriesIdToGroup timeSeriesIdToTags timeSeriesIdToTagsGroup timeSeriesIncreaseToGrid
      timeSeriesInstantDeltaToGrid timeSeriesInstantRateToGrid timeSeriesJoinTags timeSeriesLastToGrid
      timeSeriesLastTwoSamples timeSeriesPredictLinearToGrid timeSeriesRange timeSeriesRateToGrid
      timeSeriesRemoveAllTagsExcept timeSeriesRemoveTag timeSeriesRemoveTags timeSeriesReplaceTag
      timeSeriesResampleToGridWithStaleness timeSeriesResetsToGrid timeSeriesTagsGroupToTags timeSeriesTagsToGroup
      timeSeriesThrowDuplicateSeriesIf`),
  },
];

function names(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
