package fire.readings;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
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

/**
 * Passes on the slices of time in which a device's temperature has risen by {@code least_rise} within {@code rise_slices}.
 *
 * <p>State per device: the highest temperatures of the last {@code kept_slices} and the lowest ones of the last
 * {@code rise_slices}, in two rings of one array, NaN where a slice has none. Slices arrive in the order of their time, in which
 * windows close. The state ends when the watermark is {@code kept_slices} past the newest one.
 *
 * <p>A slice is passed on with all its columns but the partition key, which Flink adds, and with those of {@code ADDED}; few are,
 * so that what only these need is computed here and not for every slice. A <i>step</i> is {@code step_slices}, and its window the
 * {@code rise_slices} that end with it, as far as they have passed. Like FirstArrivals, this must be called without
 * {@code on_time} and is compiled by Janino, which knows neither lambdas nor generics.
 */
public final class SliceRises extends ProcessTableFunction {
  /**
   * The highest of the step so far; the lowest of the step's window, of the slice's own, and of the slices before the slice, NULL
   * without any; the slices with a temperature, and all slices from the first of these on; the noise.
   */
  private static final String[] ADDED =
      {"step_highest", "step_lowest", "lowest_60s", "lowest_before", "slices_60s", "span_60s", "noise"};
  private static final int FIRST_COUNT = 4, LAST_COUNT = 5;
  /** The doubles before the rings: the number of the newest slice, and when it is forgotten, epoch ms. */
  private static final int NEWEST = 0, EXPIRY = 1, RINGS = 2;
  private static final Long ONLY = Long.valueOf(0);
  /** Computing in binary must not lose a rise that is exactly the least. */
  private static final double TOLERANCE = 1e-6;

  private transient ProjectedRowData passed;
  private transient int end;
  private transient int highest;
  private transient int lowest;
  private transient long millis;
  private transient int step;
  private transient int window;
  private transient int memory;
  private transient double least;

  /** Takes one slice; {@code seen} has one entry: the number of the device's newest slice, when it expires, and the two rings. */
  public void eval(ProcessTableFunction.Context context, MapView seen, RowData slice, Integer seconds, Integer stepSlices,
      Integer riseSlices, Integer keptSlices, Double leastRise) throws Exception {
    if (passed == null) {
      millis = 1000L * seconds.intValue();
      step = stepSlices.intValue();
      window = riseSlices.intValue();
      memory = keptSlices.intValue();
      least = leastRise.doubleValue() - TOLERANCE;
      prepare(context.tableSemanticsFor("slices"));
    }
    long number = slice.getTimestamp(end, 3).getMillisecond() / millis, expiry = (number + memory) * millis;
    double[] last = (double[]) seen.get(ONLY);
    if (last == null) {
      last = new double[RINGS + memory + window];
      Arrays.fill(last, Double.NaN);
      last[NEWEST] = number;
      wakeAt(context.timeContext(Long.class), expiry);
    }
    forget(last, number);
    last[EXPIRY] = expiry;
    last[highAt(number)] = slice.getDouble(highest);
    last[lowAt(number)] = slice.isNullAt(lowest) ? Double.NaN : slice.getDouble(lowest);
    seen.put(ONLY, last);
    GenericRowData rise = rise(last, number);
    if (rise != null) {
      collect(new JoinedRowData(passed.replaceRow(slice), rise));
    }
  }

  /** Forgets a device whose newest slice is as old as its memory is long, and looks at any other again. */
  public void onTimer(ProcessTableFunction.OnTimerContext context, MapView seen) throws Exception {
    ProcessTableFunction.TimeContext clock = context.timeContext(Long.class);
    double[] last = (double[]) seen.get(ONLY);
    if (last == null || last[EXPIRY] <= ((Long) clock.currentWatermark()).longValue()) {
      seen.clear();
    } else {
      clock.registerOnTime(Long.valueOf((long) last[EXPIRY]));
    }
  }

  private static void wakeAt(ProcessTableFunction.TimeContext clock, long expiry) {
    Long watermark = (Long) clock.currentWatermark();
    // Flink drops a timer that the watermark has passed.
    clock.registerOnTime(Long.valueOf(watermark == null ? expiry : Math.max(expiry, watermark.longValue() + 1)));
  }

  private int highAt(long number) {
    return RINGS + (int) Math.floorMod(number, (long) memory);
  }

  private int lowAt(long number) {
    return RINGS + memory + (int) Math.floorMod(number, (long) window);
  }

  /** Empties the places of the slices after the newest one up to {@code number}, which becomes the newest. */
  private void forget(double[] last, long number) {
    for (long missed = Math.max((long) last[NEWEST] + 1, number - memory + 1); missed <= number; missed++) {
      last[highAt(missed)] = Double.NaN;
      last[lowAt(missed)] = Double.NaN;
    }
    last[NEWEST] = number;
  }

  /** Returns the columns to add to a slice, null if it is not to be passed on. */
  private GenericRowData rise(double[] last, long number) {
    long stepEnd = -Math.floorDiv(-number, (long) step) * step, count = 0, first = number;
    double high = Double.NEGATIVE_INFINITY, stepLow = Double.POSITIVE_INFINITY, before = Double.POSITIVE_INFINITY;
    for (long each = number; each > number - window; each--) {
      double highEach = last[highAt(each)], lowEach = last[lowAt(each)];
      if (!Double.isNaN(highEach)) {
        count++;
        first = each;
        high = each > stepEnd - step ? Math.max(high, highEach) : high;
      }
      if (!Double.isNaN(lowEach)) {
        stepLow = each > stepEnd - window ? Math.min(stepLow, lowEach) : stepLow;
        before = each < number ? Math.min(before, lowEach) : before;
      }
    }
    double own = last[lowAt(number)], low = Double.isNaN(own) ? before : Math.min(own, before);
    if (Math.max(high - stepLow, last[highAt(number)] - low) < least) {
      return null;
    }
    return GenericRowData.of(new Object[] {Double.valueOf(high), known(stepLow), known(low), known(before), Long.valueOf(count),
      Long.valueOf(number - first + 1), Double.valueOf(noise(last, number))});
  }

  private static Double known(double lowest) {
    return lowest == Double.POSITIVE_INFINITY ? null : Double.valueOf(lowest);
  }

  /** Returns the median absolute difference of the highest temperatures of neighbouring slices, 0 if there are none. */
  private double noise(double[] last, long number) {
    double[] steps = new double[memory];
    int count = 0;
    for (long each = number; each > number - memory + 1; each--) {
      double difference = Math.abs(last[highAt(each)] - last[highAt(each - 1)]);
      if (!Double.isNaN(difference)) {
        steps[count++] = difference;
      }
    }
    Arrays.sort(steps, 0, count);
    return count == 0 ? 0 : (steps[(count - 1) / 2] + steps[count / 2]) / 2;
  }

  private void prepare(TableSemantics table) {
    List names = DataType.getFieldNames(table.dataType());
    passed = ProjectedRowData.from(passedColumns(table));
    end = names.indexOf("slice_end");
    highest = names.indexOf("highest");
    lowest = names.indexOf("lowest");
  }

  private static int[] passedColumns(TableSemantics table) {
    int[] columns = new int[DataType.getFieldCount(table.dataType())];
    int count = 0;
    for (int column = 0; column < columns.length; column++) {
      if (column != table.partitionByColumns()[0]) {
        columns[count++] = column;
      }
    }
    return Arrays.copyOf(columns, count);
  }

  /** Declares arguments, state and result by hand: annotations allow neither internal rows nor a result like the input. */
  public TypeInference getTypeInference(DataTypeFactory factory) {
    DataType rings = (DataType) DataTypes.ARRAY((DataType) DataTypes.DOUBLE().notNull()).bridgedTo(double[].class);
    LinkedHashMap states = new LinkedHashMap();
    // No time to live: state ends by event time.
    states.put("seen", StateTypeStrategy.of(
        TypeStrategies.explicit(MapView.newMapViewDataType((DataType) DataTypes.BIGINT().notNull(), rings)), Duration.ZERO));
    return TypeInference.newBuilder()
        .staticArguments(new StaticArgument[] {
          StaticArgument.table("slices", RowData.class, false, EnumSet.of(StaticArgumentTrait.SET_SEMANTIC_TABLE)),
          whole("slice_seconds"), whole("step_slices"), whole("rise_slices"), whole("kept_slices"),
          StaticArgument.scalar("least_rise", (DataType) DataTypes.DOUBLE().notNull(), false)})
        .stateTypeStrategies(states)
        .inputTypeStrategy(new InternalRows())
        .outputTypeStrategy(new WithAddedColumns())
        .build();
  }

  private static StaticArgument whole(String name) {
    return StaticArgument.scalar(name, (DataType) DataTypes.INT().notNull(), false);
  }

  /** Asks for slices as Flink holds them, because copying all their columns would cost more than all the rest. */
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

  private static final class WithAddedColumns implements TypeStrategy {
    public Optional inferType(CallContext call) {
      TableSemantics table = (TableSemantics) call.getTableSemantics(0).get();
      List all = DataType.getFields(table.dataType()), fields = new ArrayList();
      int[] columns = passedColumns(table);
      for (int i = 0; i < columns.length; i++) {
        fields.add(all.get(columns[i]));
      }
      for (int i = 0; i < ADDED.length; i++) {
        boolean isCount = i == FIRST_COUNT || i == LAST_COUNT;
        fields.add(DataTypes.FIELD(ADDED[i], (DataType) (isCount ? DataTypes.BIGINT() : DataTypes.DOUBLE())));
      }
      return Optional.of(((DataType) DataTypes.ROW(fields).notNull()).bridgedTo(RowData.class));
    }
  }
}
