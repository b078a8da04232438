package fire.readings;

import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.data.utils.ProjectedRowData;
import org.apache.flink.table.functions.FunctionDefinition;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.functions.TableSemantics;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.ArgumentCount;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.InputTypeStrategies;
import org.apache.flink.table.types.inference.InputTypeStrategy;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;
import org.apache.flink.table.types.inference.TypeStrategy;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;

/**
 * Passes on the first reading of each device, idx and event time, at once, drops those that repeat it, and marks those that repeat
 * it with another content; tells by which time windows count it.
 *
 * <p>State per device: for each minute of event time an array of longs, two for each reading, as a hash table. A minute is
 * forgotten when the watermark is {@code minutes} past its end, or past its first arrival if that was late, so that repeated late
 * readings are recognised too. A device with a wrong clock has at most MINUTES_KEPT * {@code minutes} of them; further ones
 * displace the one begun first.
 *
 * <p>The clock of a device whose readings are late, or up to ten minutes further from their arrival than those of others, is slow if
 * this distance stays the same, within {@code lateness} s. Its readings are then counted by event time plus that distance: by
 * arrival, but as far from each other as they were measured. The distance of a backlog shrinks as it is sent, so its readings stay
 * late. Where all clocks are equally slow, none is. State per slow device: one array, for an hour after its last use.
 *
 * <p>Returns all columns but the partition keys, which Flink adds, processing times, which are over, and the message; then
 * {@code steady_time}, which is event time for windows and equals the reading's own unless its clock is slow, {@code is_on_time},
 * whether windows count the reading, {@code is_conflict}, whether it repeats one of another content, with the columns of a dead
 * letter if it does, and {@code follows_late_risk}, whether the first reading of a minute follows one of a high risk that no window
 * counts. It must be called without {@code on_time}, because Flink 2.2 drops late rows in front of a function that has it. Janino
 * compiles this class, and knows neither lambdas nor generics.
 */
public final class FirstArrivals extends ProcessTableFunction {
  private static final String TIME = "event_time", MESSAGE = "message";
  /** The number of columns that are added, and the bytes of a dead letter's message. */
  private static final int ADDED_FIELDS = 8, KEPT_BYTES = 65536;
  private static final long MINUTE = 60000L;
  private static final int MINUTES_KEPT = 4;
  /** The longs before the table: when the minute is forgotten, epoch ms; its rank in the order of beginning; the readings in it. */
  private static final int EXPIRY = 0, RANK = 1, COUNT = 2, TABLE = 3;
  private static final int SMALLEST = 16;
  /** Readings of a device and minute that find no place in a table of this size make it begin anew: 64 a second. */
  private static final int LARGEST = 4096;
  private static final int IDX_BITS = 47;

  /** The key of a device's clock among its minutes. */
  private static final Long CLOCK = Long.valueOf(Long.MIN_VALUE);
  /** The key of the mark that a reading of a high risk came too late for windows; its value is its expiry. */
  private static final Long LATE_RISK = Long.valueOf(Long.MIN_VALUE + 1);
  private static final StringData HIGH = StringData.fromString("HIGH"), CRITICAL = StringData.fromString("CRITICAL");
  /** The longs of a clock after its expiry: what is added to the newest reading's time; the distance in force, the least one since. */
  private static final int ADDED = 1, DISTANCE = 2, LEAST = 3, SINCE = 4;
  /** The distance on trial, the least one of the trial, its beginning, the readings in it; the number of trials. */
  private static final int TRIED = 5, LEAST_TRIED = 6, TRIED_SINCE = 7, READINGS = 8, TRIALS = 9;
  /** Whether the clock's first trial began with the first reading of its device. */
  private static final int IS_NEW = 10;
  /** Whether others are known to be ahead: such a clock's readings are counted by arrival even while the others pause. */
  private static final int IS_CERTAIN = 11, CLOCK_LENGTH = 12;
  private static final long NONE = Long.MIN_VALUE;
  /** What is added to a reading that no window counts, because a device that begins an hour ago would seem to have been silent. */
  private static final long UNKNOWN = -1;
  private static final long HOUR = 60 * MINUTE;
  /** A smaller distance is the delay of a right clock's messages, ms; a larger one counts only where it makes readings late. */
  private static final long SLOW = 1000L, SLOWEST = 11 * MINUTE;
  /** The least distance of all devices is taken over this time, ms, or twice as long. */
  private static final long RECENT = 5 * MINUTE;
  /** A distance is steady after this time, ms, with this many readings; later where other distances preceded, as in a backlog. */
  private static final long STEADY = 10000L, STEADY_AGAIN = MINUTE;
  private static final int STEADY_READINGS = 2, STEADY_AGAIN_READINGS = 4;

  private transient ProjectedRowData passed;
  private transient GenericRowData added;
  private transient JoinedRowData joined;
  private transient int idx;
  private transient int content;
  private transient int message;
  private transient int time;
  private transient int arrival;
  private transient int late;
  private transient int device;
  private transient int level;
  private transient int offset;
  /** Whether the reading is the first of its minute, is on time, and follows a late one of a high risk. */
  private transient boolean followsLateRisk;
  /** The first device seen here, and whether there is another one; the least distance of all devices, now and formerly. */
  private transient StringData only;
  private transient boolean areSeveral;
  private transient long least;
  private transient long formerLeast;
  private transient long leastSince;

  /** Takes one reading; {@code seen} holds the minutes of its device, and its clock if that is slow. */
  public void eval(ProcessTableFunction.Context context, MapView seen, RowData reading, Integer minutes, Integer lateness)
      throws Exception {
    if (passed == null) {
      prepare(context.tableSemanticsFor("readings"));
    }
    long number = reading.getLong(idx);
    long millis = reading.getTimestamp(time, 3).getMillisecond(), stated = stated(reading, millis);
    long minute = Math.floorDiv(stated, MINUTE);
    // An entry has the lower bits of idx and the time within the minute, never 0; the key has the other bits of both.
    long entry = (number << 16) | (stated - minute * MINUTE + 1);
    Long key = Long.valueOf((minute << 8) | ((number >> IDX_BITS) & 255));
    long digest = reading.getLong(content);
    long[] readings = (long[]) seen.get(key);
    followsLateRisk = false;
    if (readings == null) {
      readings = begun(context.timeContext(Long.class), seen, (Math.floorDiv(millis, MINUTE) + 1) * MINUTE,
          minutes.intValue(), reading.getBoolean(late));
    }
    int slot = slot(readings, entry);
    if (readings[slot] == entry) {
      if (readings[slot + 1] != digest) {
        giveConflict(reading);
      }
    } else {
      boolean isFirst = readings[RANK] == 0 && readings[COUNT] == 0;
      seen.put(key, with(readings, entry, digest));
      long slow = reading.isNullAt(arrival) ? 0
          : slowness(context.timeContext(Long.class), seen, reading, lateness * 1000L, isFirst);
      boolean isOnTime = slow > 0 || slow == 0 && !reading.getBoolean(late);
      if (!isOnTime) {
        rememberRisk(context.timeContext(Long.class), seen, reading);
      }
      give(reading, slow <= 0 ? reading.getTimestamp(time, 3) : TimestampData.fromEpochMillis(millis + slow), isOnTime, false);
    }
  }

  /**
   * Returns the time by which a reading is known when it comes again: its own but for a clock that is ahead, whose readings have
   * the time of their arrival, which differs.
   */
  private long stated(RowData reading, long millis) {
    double behind = reading.isNullAt(offset) ? 0 : reading.getDouble(offset);
    return behind < 0 ? millis - Math.round(behind * 1000) : millis;
  }

  /** Marks that the alert of a late reading must be watched: its own minute will not come, and the next ones may be quiet. */
  private void rememberRisk(ProcessTableFunction.TimeContext timer, MapView seen, RowData reading) throws Exception {
    StringData risk = reading.getString(level);
    if (HIGH.equals(risk) || CRITICAL.equals(risk)) {
      Long watermark = (Long) timer.currentWatermark();
      long millis = reading.getTimestamp(time, 3).getMillisecond();
      long expiry = (watermark == null ? millis : Math.max(millis, watermark.longValue())) + HOUR;
      seen.put(LATE_RISK, new long[] {expiry});
      wakeAt(timer, expiry, Long.MAX_VALUE);
    }
  }

  private void give(RowData reading, TimestampData steadyTime, boolean isOnTime, boolean isConflict) {
    added.setField(0, steadyTime);
    added.setField(1, Boolean.valueOf(isOnTime));
    added.setField(2, Boolean.valueOf(isConflict));
    added.setField(7, Boolean.valueOf(followsLateRisk));
    collect(joined.replace(passed.replaceRow(reading), added));
  }

  /** Gives out a reading with the first bytes of its message, and the size and digest of the whole, as for any dead letter. */
  private void giveConflict(RowData reading) throws Exception {
    byte[] whole = reading.getBinary(message);
    StringBuilder digest = new StringBuilder();
    byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(whole);
    for (int i = 0; i < sha256.length; i++) {
      digest.append(Character.forDigit(sha256[i] >> 4 & 15, 16)).append(Character.forDigit(sha256[i] & 15, 16));
    }
    added.setField(3, whole.length > KEPT_BYTES ? Arrays.copyOf(whole, KEPT_BYTES) : whole);
    added.setField(4, Long.valueOf(whole.length));
    added.setField(5, StringData.fromString(digest.toString()));
    added.setField(6, Boolean.valueOf(whole.length > KEPT_BYTES));
    give(reading, reading.getTimestamp(time, 3), false, true);
    for (int field = 3; field < 7; field++) {
      added.setField(field, null);
    }
  }

  /** Returns by how much the clock of a reading's device is slow, ms; 0 if it is right or not steady, else UNKNOWN. */
  private long slowness(ProcessTableFunction.TimeContext timer, MapView seen, RowData reading, long lateness, boolean isFirst)
      throws Exception {
    long arrived = reading.getTimestamp(arrival, 3).getMillisecond(), millis = reading.getTimestamp(time, 3).getMillisecond();
    long behind = behind(timer, reading, arrived, millis);
    long[] clock = (long[]) seen.get(CLOCK);
    if (clock == null && behind <= lateness) {
      return 0;
    }
    boolean isBegun = clock == null;
    clock = isBegun ? begunClock(isFirst) : clock;
    boolean isKept = clock[IS_CERTAIN] == 1 && isNear(arrived - millis, clock[DISTANCE], lateness);
    clock[IS_CERTAIN] |= behind > lateness && (areSeveral || reading.getBoolean(late)) ? 1 : 0;
    if (behind <= SLOW && !isKept || !judge(clock, arrived - millis, arrived, lateness, behind > lateness)) {
      seen.remove(CLOCK);
      return 0;
    }
    Long watermark = (Long) timer.currentWatermark();
    clock[EXPIRY] = (watermark == null ? arrived : Math.max(arrived, watermark.longValue())) + HOUR;
    seen.put(CLOCK, clock);
    wakeAt(timer, clock[EXPIRY], isBegun ? Long.MAX_VALUE : 0);
    return clock[ADDED];
  }

  /** Returns how far a reading is behind those of other devices, ms; of a late one, the largest number. */
  private long behind(ProcessTableFunction.TimeContext timer, RowData reading, long arrived, long millis) throws Exception {
    long distance = arrived - millis;
    if (arrived - leastSince > RECENT) {
      formerLeast = arrived - leastSince > 2 * RECENT ? distance : least;
      least = distance;
      leastSince = arrived;
    }
    least = Math.min(least, distance);
    if (!areSeveral) {
      areSeveral = only != null && !only.equals(reading.getString(device));
      only = only == null ? StringData.fromString(reading.getString(device).toString()) : only;
    }
    if (reading.getBoolean(late)) {
      return Long.MAX_VALUE;
    }
    if (distance <= SLOW || distance > SLOWEST) {
      return 0;
    }
    if (areSeveral) {
      return distance - Math.min(least, formerLeast);
    }
    Long watermark = (Long) timer.currentWatermark();
    return watermark == null || millis - watermark.longValue() > distance ? distance : 0;
  }

  private static long[] begunClock(boolean isNew) {
    long[] begun = new long[CLOCK_LENGTH];
    begun[IS_NEW] = isNew ? 1 : 0;
    begun[DISTANCE] = begun[TRIED] = NONE;
    return begun;
  }

  /** Takes a reading's distance to its arrival into account; returns false if there is nothing to remember of the clock. */
  private static boolean judge(long[] clock, long distance, long arrived, long lateness, boolean isBehind) {
    clock[ADDED] = 0;
    if (isNear(distance, clock[DISTANCE], lateness)) {
      clock[LEAST] = Math.min(clock[LEAST], distance);
      clock[TRIED] = NONE;
      if (arrived - clock[SINCE] > HOUR) {
        adopt(clock, clock[LEAST], distance, arrived);
      }
      clock[ADDED] = Math.min(clock[DISTANCE], distance);
      return true;
    }
    if (!isNear(distance, clock[TRIED], lateness)) {
      tryOut(clock, distance, arrived);
      clock[ADDED] = clock[IS_NEW] == 1 && clock[TRIALS] == 1 ? UNKNOWN : 0;
      return isBehind;
    }
    clock[LEAST_TRIED] = Math.min(clock[LEAST_TRIED], distance);
    clock[READINGS]++;
    if (arrived - clock[TRIED_SINCE] >= (clock[TRIALS] == 1 ? STEADY : STEADY_AGAIN)
        && clock[READINGS] >= (clock[TRIALS] == 1 ? STEADY_READINGS : STEADY_AGAIN_READINGS)) {
      adopt(clock, clock[LEAST_TRIED], clock[LEAST_TRIED], arrived);
      clock[ADDED] = clock[DISTANCE];
      return clock[DISTANCE] >= SLOW;
    }
    clock[ADDED] = clock[IS_NEW] == 1 && clock[TRIALS] == 1 ? UNKNOWN : 0;
    return true;
  }

  private static boolean isNear(long distance, long other, long lateness) {
    return other != NONE && Math.abs(distance - other) <= lateness;
  }

  private static void adopt(long[] clock, long distance, long least, long arrived) {
    clock[DISTANCE] = distance;
    clock[LEAST] = least;
    clock[SINCE] = arrived;
    clock[TRIED] = NONE;
  }

  private static void tryOut(long[] clock, long distance, long arrived) {
    clock[TRIED] = clock[LEAST_TRIED] = distance;
    clock[TRIED_SINCE] = arrived;
    clock[READINGS] = 1;
    clock[TRIALS]++;
  }

  /** Forgets the minutes whose time has come, and the clock, and waits for the next of them. */
  public void onTimer(ProcessTableFunction.OnTimerContext context, MapView seen) throws Exception {
    ProcessTableFunction.TimeContext clock = context.timeContext(Long.class);
    // The watermark may be far ahead of the timer, and Flink drops a timer that it has passed.
    long watermark = ((Long) clock.currentWatermark()).longValue(), next = Long.MAX_VALUE;
    for (Iterator minutes = seen.iterator(); minutes.hasNext(); ) {
      long expiry = ((long[]) ((Map.Entry) minutes.next()).getValue())[EXPIRY];
      if (expiry <= watermark) {
        minutes.remove();
      } else {
        next = Math.min(next, expiry);
      }
    }
    wakeAt(clock, next, Long.MAX_VALUE);
  }

  private static void wakeAt(ProcessTableFunction.TimeContext clock, long expiry, long others) {
    if (expiry < others) {
      clock.registerOnTime(Long.valueOf(expiry));
    }
  }

  /** Begins a minute that ends at {@code end}, epoch ms, in place of the one begun first if there are too many. */
  private long[] begun(ProcessTableFunction.TimeContext clock, MapView seen, long end, int minutes, boolean isLate)
      throws Exception {
    Long watermark = (Long) clock.currentWatermark();
    long[] begun = new long[TABLE + 2 * SMALLEST];
    begun[EXPIRY] = (watermark == null ? end : Math.max(end, watermark.longValue())) + minutes * MINUTE;
    long earliest = Long.MAX_VALUE;
    Map.Entry first = null;
    int count = 0;
    for (Iterator others = seen.iterator(); others.hasNext(); count++) {
      Map.Entry other = (Map.Entry) others.next();
      long[] readings = (long[]) other.getValue();
      if (CLOCK.equals(other.getKey()) || LATE_RISK.equals(other.getKey())) {
        if (LATE_RISK.equals(other.getKey()) && !isLate) {
          followsLateRisk = true;
          others.remove();
        }
        count--;
        continue;
      }
      first = first == null || readings[RANK] < ((long[]) first.getValue())[RANK] ? other : first;
      begun[RANK] = Math.max(begun[RANK], readings[RANK] + 1);
      earliest = Math.min(earliest, readings[EXPIRY]);
    }
    if (count >= MINUTES_KEPT * minutes) {
      seen.remove(first.getKey());
    }
    wakeAt(clock, begun[EXPIRY], earliest);
    return begun;
  }

  /** Returns the position of an entry, or the free one where it belongs; a table always has a free one. */
  private static int slot(long[] readings, long entry) {
    int mask = (readings.length - TABLE) / 2 - 1;
    int slot = (int) ((entry * 0x9E3779B97F4A7C15L) >>> 40) & mask;
    while (readings[TABLE + 2 * slot] != 0 && readings[TABLE + 2 * slot] != entry) {
      slot = (slot + 1) & mask;
    }
    return TABLE + 2 * slot;
  }

  private static long[] with(long[] readings, long entry, long digest) {
    int size = (readings.length - TABLE) / 2;
    long[] roomy = readings[COUNT] < size - size / SMALLEST ? readings : resized(readings, size == LARGEST ? SMALLEST : 2 * size);
    int slot = slot(roomy, entry);
    roomy[slot] = entry;
    roomy[slot + 1] = digest;
    roomy[COUNT]++;
    return roomy;
  }

  /** Returns the minute with a larger table, or with an empty one of the smallest size. */
  private static long[] resized(long[] readings, int size) {
    long[] resized = new long[TABLE + 2 * size];
    System.arraycopy(readings, 0, resized, 0, COUNT);
    for (int i = TABLE; i < readings.length && size > SMALLEST; i += 2) {
      if (readings[i] != 0) {
        int slot = slot(resized, readings[i]);
        resized[slot] = readings[i];
        resized[slot + 1] = readings[i + 1];
        resized[COUNT]++;
      }
    }
    return resized;
  }

  private void prepare(TableSemantics table) {
    List names = DataType.getFieldNames(table.dataType());
    passed = ProjectedRowData.from(passedColumns(table));
    added = new GenericRowData(ADDED_FIELDS);
    joined = new JoinedRowData();
    idx = names.indexOf("idx");
    content = names.indexOf("content");
    message = names.indexOf(MESSAGE);
    time = names.indexOf(TIME);
    arrival = names.indexOf("record_time");
    late = names.indexOf("is_late");
    level = names.indexOf("risk_level");
    offset = names.indexOf("clock_offset");
    device = table.partitionByColumns()[0];
  }

  private static int[] passedColumns(TableSemantics table) {
    List types = DataType.getFieldDataTypes(table.dataType());
    int message = DataType.getFieldNames(table.dataType()).indexOf(MESSAGE);
    int[] columns = new int[types.size()];
    int count = 0;
    for (int column = 0; column < columns.length; column++) {
      if (!LogicalTypeChecks.isProctimeAttribute(((DataType) types.get(column)).getLogicalType()) && !isKey(table, column)
          && column != message) {
        columns[count++] = column;
      }
    }
    return Arrays.copyOf(columns, count);
  }

  private static boolean isKey(TableSemantics table, int column) {
    boolean is = false;
    int[] keys = table.partitionByColumns();
    for (int i = 0; i < keys.length; i++) {
      is |= keys[i] == column;
    }
    return is;
  }

  /** Declares arguments, state and result by hand: annotations allow neither internal rows nor a result like the input. */
  public TypeInference getTypeInference(DataTypeFactory factory) {
    DataType table = (DataType) DataTypes.ARRAY((DataType) DataTypes.BIGINT().notNull()).bridgedTo(long[].class);
    DataType minutes = MapView.newMapViewDataType((DataType) DataTypes.BIGINT().notNull(), table);
    LinkedHashMap states = new LinkedHashMap();
    // No time to live: state ends by event time, and a clean-up would visit other devices at each reading.
    states.put("seen", StateTypeStrategy.of(TypeStrategies.explicit(minutes), Duration.ZERO));
    return TypeInference.newBuilder()
        .staticArguments(new StaticArgument[] {
          StaticArgument.table("readings", RowData.class, false,
              EnumSet.of(StaticArgumentTrait.SET_SEMANTIC_TABLE)),
          StaticArgument.scalar("minutes", (DataType) DataTypes.INT().notNull(), false),
          StaticArgument.scalar("lateness", (DataType) DataTypes.INT().notNull(), false)})
        .stateTypeStrategies(states)
        .inputTypeStrategy(new InternalRows())
        .outputTypeStrategy(new PassedColumns())
        .build();
  }

  /** Asks for readings as Flink holds them, because copying all their columns would cost more than all the rest. */
  private static final class InternalRows implements InputTypeStrategy {
    public ArgumentCount getArgumentCount() {
      return InputTypeStrategies.WILDCARD.getArgumentCount();
    }

    public Optional inferInputTypes(CallContext call, boolean throwOnFailure) {
      List types = new ArrayList(call.getArgumentDataTypes());
      // While SQL is validated, a type other than the table's is refused; only then is the changelog mode unknown.
      if (((TableSemantics) call.getTableSemantics(0).get()).changelogMode().isPresent()) {
        types.set(0, ((DataType) types.get(0)).bridgedTo(RowData.class));
      }
      return Optional.of(types);
    }

    public List getExpectedSignatures(FunctionDefinition definition) {
      return InputTypeStrategies.WILDCARD.getExpectedSignatures(definition);
    }
  }

  private static final class PassedColumns implements TypeStrategy {
    public Optional inferType(CallContext call) {
      TableSemantics table = (TableSemantics) call.getTableSemantics(0).get();
      List all = DataType.getFields(table.dataType()), fields = new ArrayList();
      int[] columns = passedColumns(table);
      DataType time = null;
      for (int i = 0; i < columns.length; i++) {
        DataTypes.Field field = (DataTypes.Field) all.get(columns[i]);
        if (field.getName().equals(TIME)) {
          time = field.getDataType();
          field = DataTypes.FIELD(TIME, DataTypes.TIMESTAMP_LTZ(3));
        }
        fields.add(field);
      }
      fields.add(DataTypes.FIELD("steady_time", time));
      fields.add(DataTypes.FIELD("is_on_time", DataTypes.BOOLEAN()));
      fields.add(DataTypes.FIELD("is_conflict", DataTypes.BOOLEAN()));
      fields.add(DataTypes.FIELD("kept_message", DataTypes.BYTES()));
      fields.add(DataTypes.FIELD("size_bytes", DataTypes.BIGINT()));
      fields.add(DataTypes.FIELD("sha256", DataTypes.STRING()));
      fields.add(DataTypes.FIELD("is_cut", DataTypes.BOOLEAN()));
      fields.add(DataTypes.FIELD("follows_late_risk", DataTypes.BOOLEAN()));
      return Optional.of(((DataType) DataTypes.ROW(fields).notNull()).bridgedTo(RowData.class));
    }
  }
}
